import { err, ok, type Result } from '@osb-backup/core'
import { isForbiddenVariable, isReservedVariable } from '@osb-backup/protocol'

/** A parameter of a request, as text for the environment of scripts. */
export interface Parameter {
  name: string
  value: string
}

/** Linux does not start a program with a variable longer than 128 KiB, including its name. */
const MAX_BYTES = 100_000

/**
 * Converts the parameters of a request for the environment of scripts: an array of flat objects becomes a list; of
 * duplicate names the last one counts.
 *
 * @param raw - As parsed from JSON, with numbers as they were written.
 * @param form - Form 1 uses the names unchanged, so some are rejected.
 * @param allowed - The names that scripts get; the others are left out. `*` allows every name that is not reserved.
 */
export function readParameters(
  raw: readonly Readonly<Record<string, unknown>>[],
  form: 1 | 2,
  allowed: ReadonlySet<string> = new Set('*'),
): Result<readonly Parameter[]> {
  const parameters = new Map<string, string>()
  for (const [name, value] of raw.flatMap((each) => Object.entries(each))) {
    if (!allowed.has('*') && !allowed.has(name)) continue
    const shown = JSON.stringify(name.slice(0, 60))
    const problem = nameProblem(name, form, allowed)
    if (problem !== undefined) return err(`parameter ${shown} ${problem}`)
    if (typeof value === 'object' && value !== null) {
      return err(`parameter ${shown} must be text, a number, true, false or null`)
    }
    const written = value === null ? '' : String(value)
    if (written.includes('\0')) return err(`parameter ${shown} must not contain NUL`)
    if (Buffer.byteLength(written) > MAX_BYTES) return err(`parameter ${shown} is longer than ${MAX_BYTES} bytes`)
    parameters.set(name, written)
  }
  return ok([...parameters].map(([name, value]) => ({ name, value })))
}

function nameProblem(name: string, form: 1 | 2, allowed: ReadonlySet<string>): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (name === '' || name.length > 255 || /[=\u0000-\u001f\u007f]/.test(name)) {
    return 'cannot be the name of an environment variable'
  }
  if (form === 2 || !isReservedVariable(name) || (allowed.has(name) && !isForbiddenVariable(name))) return undefined
  const permit = isForbiddenVariable(name) ? '' : ', or list it in allowed_parameters of the agent'
  return `is rejected: it would change how scripts run; choose another name${permit}`
}
