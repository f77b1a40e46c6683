import { err, ok, type Result } from '@osb-backup/core'

/** A parameter of a request, as text for a script's environment. */
export interface Parameter {
  name: string
  value: string
}

/** Linux refuses to start a program with a longer variable than 128 KiB, name included. */
const MAX_BYTES = 100_000

/** Names that would change what a script was told, which code it runs, or how its shell reads it. */
const dangerous = new RegExp(
  `^(${[
    // What the agent itself sets.
    'BACKUP_(STAGE|JOB_ID|HOST|PORT|(BACKUP_)?(USERNAME|PASSWORD)|DATABASE|DIRECTORY|WARNINGS|METADATA|FILENAME|COMPRESSION|ENCRYPTION_KEY)',
    'PATH|LANG|HOME|IFS|ENV|CDPATH|GLOBIGNORE|TMPDIR|SHELL|PWD|OLDPWD|PS4|PROMPT_COMMAND',
    'BASH.*|SHELLOPTS|POSIXLY_CORRECT|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|GLIBC_TUNABLES|MALLOC_.*',
    'NODE_.*|PYTHON.*|PERL.*|RUBY.*|JAVA_.*|JDK_.*|_JAVA_OPTIONS|CLASSPATH|TAR_OPTIONS|RSYNC_.*|GIT_.*|SSH_.*',
    'OPENSSL_.*|LIBMYSQL_.*|PGSYSCONFDIR|PAGER|LESS.*|EDITOR|VISUAL',
  ].join('|')})$`,
)

/**
 * Makes the parameters of a request ready for the environment of scripts: an array of flat objects becomes a list;
 * where a name comes twice, the last one counts.
 *
 * @param raw - As read from JSON, numbers already as they were written.
 * @param form - Form 1 puts the names into the environment as they are, so some are refused.
 */
export function readParameters(
  raw: readonly Readonly<Record<string, unknown>>[],
  form: 1 | 2,
): Result<readonly Parameter[]> {
  const parameters = new Map<string, string>()
  for (const [name, value] of raw.flatMap((each) => Object.entries(each))) {
    const shown = JSON.stringify(name.slice(0, 60))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    if (name === '' || name.length > 255 || /[=\u0000-\u001f\u007f]/.test(name)) {
      return err(`parameter ${shown} cannot be the name of an environment variable`)
    }
    if (form === 1 && dangerous.test(name)) {
      return err(`parameter ${shown} is refused: it would change how scripts run; choose another name`)
    }
    if (typeof value === 'object' && value !== null) {
      return err(`parameter ${shown} must be text, a number, true, false or null`)
    }
    const written = value === null ? '' : String(value)
    if (written.includes('\0')) return err(`parameter ${shown} must not hold NUL`)
    if (Buffer.byteLength(written) > MAX_BYTES) return err(`parameter ${shown} is longer than ${MAX_BYTES} bytes`)
    parameters.set(name, written)
  }
  return ok([...parameters].map(([name, value]) => ({ name, value })))
}

/** The variable that holds a parameter in form 2: `dump-jobs` becomes `BACKUP_PARAMETER_DUMP_JOBS`. */
export function parameterVariable(name: string): string {
  return `BACKUP_PARAMETER_${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`
}

/** Whether a parameter's name says that its value must not be shown. */
export function isSecretName(name: string): boolean {
  return /pass|pwd|secret|token|key|credential|auth/i.test(name)
}
