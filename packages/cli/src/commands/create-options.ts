import { isSecretName } from '@osb-backup/protocol'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { UsageError } from '../exit-code.ts'
import { readSecret } from '../input/secret.ts'
import type { Io } from '../io.ts'
import { metaOf } from '../resources/editable.ts'
import { isSecretField } from '../resources/secret-fields.ts'
import { choicesOf, kebab } from './filters.ts'

/** Long texts are read from files too. */
const LONG = new Set(['caCertificate'])

/** An option that was derived from a field of a request. */
interface FieldOption {
  field: string
  /** The attribute that commander stores it under. */
  attribute: string
  isFile: boolean
  isSecret: boolean
}

/**
 * Adds an option for each plain field of a schema: text, number, boolean or enumeration. Secrets are read from files, so that
 * no command line has one.
 *
 * @returns What `fieldsOf` needs.
 */
export function addFieldOptions(
  command: Command,
  schemas: readonly z.ZodObject[],
  except: readonly string[] = [],
): FieldOption[] {
  const options: FieldOption[] = []
  const fields = new Map(schemas.flatMap(({ shape }) => Object.entries(shape)))
  for (const [field, schema] of fields) {
    if (except.includes(field)) continue
    const option = optionOf(field, schema as z.ZodType, schemas)
    if (option === undefined) continue
    command.addOption(option)
    const isSecret = isSecretField(field)
    options.push({ field, attribute: option.attributeName(), isFile: isSecret || LONG.has(field), isSecret })
  }
  return options
}

/** Reads what the options say, by field. */
export async function fieldsOf(
  io: Io,
  options: readonly FieldOption[],
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = {}
  if (options.filter(({ attribute, isFile }) => isFile && given[attribute] === '-').length > 1) {
    throw new UsageError('Only one option can read standard input (-).')
  }
  for (const { field, attribute, isFile } of options) {
    const value = given[attribute]
    if (value !== undefined) fields[field] = isFile ? await readSecret(io, String(value), field) : value
  }
  return fields
}

function optionOf(field: string, schema: z.ZodType, schemas: readonly z.ZodObject[]): Option | undefined {
  const labels = labelsOf(field, schemas)
  const described = [...new Set(schemas.flatMap(({ shape }) => metaOf(shape[field]).description ?? []))].join('; ')
  const description = `${described.replace(/(^|\. )Write-only.*$/, '') || field}${labels}`
  const inner = unwrapped(schema)
  const choices = choicesOf(inner)
  const flag = `--${kebab(field)}`
  if (isSecretField(field) || LONG.has(field)) {
    return new Option(`${flag}-file <file>`, `${description}: file that contains it, or - for standard input`)
  }
  if (inner instanceof z.ZodBoolean) return new Option(flag, description)
  if (inner instanceof z.ZodNumber) return new Option(`${flag} <number>`, description).argParser(numberArgument)
  if (choices !== undefined) return new Option(`${flag} <${kebab(field)}>`, description).choices([...choices])
  if (inner instanceof z.ZodString || inner instanceof z.ZodISODateTime)
    return new Option(`${flag} <text>`, description)
  return undefined
}

/** The kinds that know a field, where not all do. */
function labelsOf(field: string, schemas: readonly z.ZodObject[]): string {
  const having = schemas.filter(({ shape }) => field in shape)
  if (having.length === schemas.length) return ''
  const kinds = having.flatMap(({ shape }) =>
    shape.kind instanceof z.ZodLiteral ? [String(shape.kind.value)] : (choicesOf(shape.kind) ?? []),
  )
  return ` (${kinds.join(', ')})`
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return unwrapped(schema.unwrap())
  return schema
}

function numberArgument(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** Collects an option that may be repeated or separated by commas. */
export function collected(text: string, previous: readonly string[] = []): string[] {
  return [
    ...previous,
    ...text
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean),
  ]
}

/** Collects `name=value`. */
function collectedPairs(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const index = text.indexOf('=')
  if (index < 1) throw new InvalidArgumentError('Use NAME=VALUE.')
  const name = text.slice(0, index)
  if (isSecretName(name)) throw new InvalidArgumentError(`${name} looks like a secret: use --parameter-file.`)
  return { ...previous, [name]: text.slice(index + 1) }
}

/** Collects `name=file`. */
function collectedFiles(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const index = text.indexOf('=')
  if (index < 1) throw new InvalidArgumentError('Use NAME=FILE.')
  return { ...previous, [text.slice(0, index)]: text.slice(index + 1) }
}

/** Parameters from `--parameter` and `--parameter-file`; undefined if there are none. */
export async function parametersOf(
  io: Io,
  { parameter = {}, parameterFile = {} }: ParameterOptions,
): Promise<Record<string, string> | undefined> {
  const read: Record<string, string> = {}
  for (const [name, file] of Object.entries(parameterFile)) read[name] = await readSecret(io, file, name)
  const parameters = { ...parameter, ...read }
  return Object.keys(parameters).length === 0 ? undefined : parameters
}

/** Options that give parameters to scripts. */
export interface ParameterOptions {
  parameter?: Record<string, string>
  parameterFile?: Record<string, string>
}

/** Adds `--parameter` and `--parameter-file`. */
export function addParameterOptions(command: Command, receiver: string): Command {
  return command
    .option('--parameter <name=value>', `passed to ${receiver}; may be repeated`, collectedPairs)
    .option('--parameter-file <name=file>', 'the same with a value from a file, as for secrets', collectedFiles)
}
