import { ApiError, type BackupClient } from '@osb-backup/client'
import { isSecretName, MASKED_SECRET, type PackParameter, parameterVariable } from '@osb-backup/protocol'
import { UsageError } from '../exit-code.ts'
import type { Session } from '../session.ts'
import { nearest } from './nearest.ts'
import { ask, choose, isAnswerable } from './prompt.ts'

/** Values of parameters by name, as scripts get them. */
export type ParameterValues = Readonly<Record<string, unknown>>

/**
 * Reads which parameters the pack of an instance declares.
 *
 * @returns None where the agent has not reported which pack that is.
 * @throws {UsageError} If the agent has packs, but not this one.
 */
export async function declaredParameters(
  client: BackupClient,
  { agentId, pack }: { agentId?: string | undefined; pack?: string | undefined },
): Promise<readonly PackParameter[]> {
  if (agentId === undefined) return []
  const packs = await packsOf(client, agentId)
  // Without a name, the agent uses the scripts of its own directory: with one pack it is clear which those are.
  const found =
    pack === undefined ? (packs.length === 1 ? packs[0] : undefined) : packs.find(({ name }) => name === pack)
  if (pack !== undefined && found === undefined && packs.length > 0) {
    const names = packs.map(({ name }) => name)
    throw new UsageError(`The agent has no pack "${pack}".${nearest(pack, names)}`, {
      hint: `Its packs: ${names.join(', ')}.`,
    })
  }
  return found?.parameters ?? []
}

async function packsOf(client: BackupClient, agentId: string) {
  try {
    return (await client.agents.get(agentId)).packs
  } catch (error) {
    // A user who may not read the agent learns about a wrong value from the job.
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return []
    throw error
  }
}

/**
 * Checks values against what a pack declares. Warns of names that look like a declared one: what is not declared is passed on
 * unchanged.
 *
 * @throws {UsageError} If a value does not suit its parameter.
 */
export async function checkParameters(
  { printer }: Session,
  declared: readonly PackParameter[],
  values: ParameterValues,
): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    const parameter = declared.find((each) => isSame(each.name, name))
    const problem = parameter === undefined ? undefined : await problemOf(parameter, value)
    if (problem !== undefined) throw new UsageError(`${problem}.`)
    const suggestion = nearest(
      name,
      declared.map((each) => each.name),
    )
    if (parameter === undefined && suggestion !== '') {
      printer.warn(`The pack does not declare the parameter "${name}".${suggestion}`)
    }
  }
}

/**
 * Rejects secrets on the command line, which every user of the machine can read.
 *
 * @throws {UsageError} If one of the parameters is declared to be secret.
 */
export function rejectPlainSecrets(declared: readonly PackParameter[], plain: ParameterValues = {}): void {
  const [name] = declaredSecrets(declared, plain)
  if (name === undefined) return
  throw new UsageError(`The parameter "${name}" is secret.`, { hint: 'Pass it in a file, with --parameter-file.' })
}

/**
 * Asks a person for parameters that a pack requires and nobody has given. Elsewhere warns of them: jobs may still be given them.
 *
 * @param all - Whether those that are optional are asked for, too.
 * @returns The answers; none for a parameter whose default is used.
 */
export async function askParameters(
  session: Session,
  declared: readonly PackParameter[],
  { given, all }: { given: ParameterValues; all: boolean },
): Promise<Record<string, string>> {
  const { io, flags, printer } = session
  const missing = declared.filter(({ name }) => !Object.keys(given).some((each) => isSame(each, name)))
  const required = missing.filter((parameter) => parameter.required)
  if (!isAnswerable(io, flags)) {
    if (required.length > 0) {
      const names = required.map(({ name }) => name).join(', ')
      printer.warn(`The pack requires parameters that are not set: ${names}. Set them with --parameter.`)
    }
    return {}
  }
  const answers: Record<string, string> = {}
  for (const parameter of all ? missing : required) await addAnswer(session, parameter, answers)
  return answers
}

async function addAnswer(
  { io, flags }: Session,
  parameter: PackParameter,
  answers: Record<string, string>,
): Promise<void> {
  const { name, description, type, secret = false, required = false } = parameter
  const message = description === undefined ? name : `${name} (${description})`
  const preset = parameter.default === undefined ? undefined : String(parameter.default)
  const values = parameter.values?.map(String) ?? (type === 'boolean' ? ['true', 'false'] : undefined)
  const validate = async (text: string) => {
    if (text === '') return required ? 'It is required.' : true
    return (await problemOf(parameter, text)) ?? true
  }
  const answer =
    values !== undefined && !secret
      ? await choose(io, flags, message, {
          values: required || preset !== undefined ? values : ['', ...values],
          preset,
        })
      : await ask(io, flags, { message, isSecret: secret, preset, validate })
  if (answer !== '' && answer !== preset) answers[name] = answer
}

/** The names of those parameters that are secret, though they do not look like it. */
export function secretNames(declared: readonly PackParameter[], values: ParameterValues): string[] {
  return declaredSecrets(declared, values).filter((name) => !isSecretName(name))
}

const declaredSecrets = (declared: readonly PackParameter[], values: ParameterValues) =>
  Object.keys(values).filter((name) => declared.some((each) => each.secret && isSame(each.name, name)))

/** What a value is expected to be, one parameter a line. */
export function parameterHelp(declared: readonly PackParameter[]): string[] {
  return declared.map((parameter) => {
    const { name, type, description, required, secret, values, minimum, maximum } = parameter
    const facts = [
      values === undefined ? type : `one of ${values.join(', ')}`,
      minimum === undefined ? [] : `at least ${minimum}`,
      maximum === undefined ? [] : `at most ${maximum}`,
      required ? 'required' : [],
      secret ? 'secret' : [],
      parameter.default === undefined ? [] : `${String(parameter.default)} by default`,
    ].flat()
    return `${name}: ${description === undefined ? '' : `${description}; `}${facts.join(', ')}`
  })
}

/** Scripts get a parameter as a variable, for which names may differ in case and dashes. */
const isSame = (one: string, other: string) => parameterVariable(one) === parameterVariable(other)

/** Why a value does not suit a parameter, without the value of a secret. */
async function problemOf(parameter: PackParameter, value: unknown): Promise<string | undefined> {
  // Values that the manager masks are kept as they are.
  if (typeof value === 'object' || value === MASKED_SECRET) return undefined
  const { resolveParameters } = await import('@osb-backup/core')
  const named = { name: parameter.name, value: String(value) }
  const resolved = resolveParameters([{ ...parameter, required: false }], [named])
  return resolved.ok ? undefined : resolved.error
}
