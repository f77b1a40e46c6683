import { parseArgs } from 'node:util'
import { type Compression, compressions } from '@osb-backup/core'
import { type StoreKind, stores } from '../kinds.ts'
import { UsageError } from './usage-error.ts'

/** A line for each kind of store, with the fields of its settings. */
function destinationFields(): string {
  return stores.kinds
    .map(({ type, settingsSchema }) => `    "type": "${type}"`.padEnd(24) + fieldsOf(settingsSchema))
    .join('\n')
}

function fieldsOf({ shape }: StoreKind['settingsSchema']): string {
  const { type: _, ...fields } = shape
  return Object.entries(fields)
    .map(([name, schema]) => (schema.safeParse(undefined).success ? `[${name}]` : name))
    .join(', ')
}

export const help = `osb-backup-transfer COMMAND NAME --destination FILE [OPTION]…

Transfers content to and from a destination like the agent, without manager and agent.

  store NAME    stores standard input under the name; prints sizes and digests as JSON
  load NAME     writes the object to standard output, decrypted and decompressed
  verify NAME   reads the object to its end and compares it with its manifest or with --size and --sha256
  list PREFIX   prints the names that begin with the prefix

  --destination FILE    settings of the store as JSON, with one of these types and its fields (those in brackets are optional):
${destinationFields()}
  --compression FORMAT  store: none, gzip or zstd (none); load: what was used, if neither manifest nor name says so
  --level NUMBER        store: compression level
  --recipient AGE1…     store: encrypts to this age recipient; may be repeated
  --identity FILE       load: age identities, one a line
  --size BYTES, --sha256 HEX   expected size and digest of the stored object; its manifest takes precedence
  --root HEX            load, verify: recorded digest of the manifest; without it, the manifest is believed

The proxies in HTTPS_PROXY, HTTP_PROXY and NO_PROXY are used. Exit status: 0 success, 1 failure, 2 usage error.
The output of "load" is valid only if it exits with 0: use "set -o pipefail".`

/** The parsed command line. */
export interface TransferArguments {
  command: 'store' | 'load' | 'verify' | 'list'
  name: string
  destinationFile: string
  compression: Compression | undefined
  level: number | undefined
  recipients: string[]
  identityFile: string | undefined
  expected: { sizeBytes?: number; sha256?: string; root?: string }
}

const commands = ['store', 'load', 'verify', 'list'] as const

/**
 * Parses the command line.
 *
 * @returns undefined if help is requested.
 * @throws {UsageError} For the first mistake.
 */
export function readArguments(args: readonly string[]): TransferArguments | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const [wanted, name, ...more] = positionals
  const command = commands.find((known) => known === wanted)
  if (command === undefined) throw new UsageError(`COMMAND must be one of ${commands.join(', ')}.`)
  if (name === undefined || more.length > 0) throw new UsageError(`${command} takes exactly one name.`)
  if (values.destination === undefined) throw new UsageError('--destination is missing.')
  const compression = compressions.find((known) => known === values.compression)
  if (values.compression !== undefined && compression === undefined) {
    throw new UsageError(`--compression must be one of ${compressions.join(', ')}.`)
  }
  const sizeBytes = wholeNumber('--size', values.size)
  return {
    command,
    name,
    destinationFile: values.destination,
    compression,
    level: wholeNumber('--level', values.level),
    recipients: values.recipient ?? [],
    identityFile: values.identity,
    expected: {
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(values.sha256 === undefined ? {} : { sha256: values.sha256 }),
      ...(values.root === undefined ? {} : { root: values.root.toLowerCase() }),
    },
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        destination: { type: 'string' },
        compression: { type: 'string' },
        level: { type: 'string' },
        recipient: { type: 'string', multiple: true },
        identity: { type: 'string' },
        size: { type: 'string' },
        sha256: { type: 'string' },
        root: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}.`)
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} must be a whole number.`)
  return Number(text)
}
