import { type Command, Option } from 'commander'
import { UsageError } from '../exit-code.ts'
import { identityIn } from '../input/identity.ts'
import { readSecret } from '../input/secret.ts'
import type { Io } from '../io.ts'
import type { ObjectCommand } from '../objects/transfer-object.ts'
import type { Session } from '../session.ts'
import { collected } from './create-options.ts'
import type { Program } from './program-context.ts'
import { wholeNumber } from './resource-commands.ts'

interface ObjectOptions {
  destination: string
  compression?: 'none' | 'gzip' | 'zstd'
  level?: number
  recipient?: string[]
  replace?: boolean
  identityFile?: string
  size?: number
  sha256?: string
  root?: string
}

/** Adds `object`. */
export function addObjectCommands({ command, action }: Program): void {
  const object = command
    .command('object')
    .description('Move objects in and out of a store as the agent does, without manager and agent')
    .addHelpText(
      'after',
      `
--destination names a file with the settings of the store as JSON, such as
  {"type": "s3", "endpoint": "https://s3.example", "bucket": "backups", "accessKeyId": "…", "secretAccessKey": "…"}
  {"type": "swift", "authUrl": "https://keystone.example/v3", "container": "backups", "username": "…", "password": "…", …}
  {"type": "file", "directory": "/var/backups"}
A field that is missing or wrong is named.`,
    )
  const add = (name: ObjectCommand, description: string, argument: string) =>
    object
      .command(name)
      .description(description)
      .argument(`<${argument}>`, argument === 'prefix' ? 'beginning of the names' : 'name of the object')
      .requiredOption('--destination <file>', 'file with the settings of the store as JSON')
      .action(action((session, options: ObjectOptions, text: string) => transfer(session, name, text, options)))
  const compression = (text: string) => new Option('--compression <algorithm>', text).choices(['none', 'gzip', 'zstd'])
  add('put', 'Store standard input, and print its sizes and digests', 'name')
    .addOption(compression('how it is compressed; not at all by default'))
    .option('--level <number>', 'level of the compression', wholeNumber)
    .option('--recipient <key>', 'encrypt to this age recipient; may be repeated', collected)
    .option('--replace', 'replace an object of this name; by default it is refused')
  withExpected(
    add('get', 'Write an object to standard output, verified, decrypted and decompressed', 'name')
      .addOption(compression('what was used, if neither the manifest nor the name says so'))
      .option('--identity-file <file>', 'file with the age identities that decrypt it'),
  ).addHelpText('after', '\nWhat was written is whole only if the exit code is 0: use "set -o pipefail".')
  withExpected(
    add('verify', 'Read an object to its end, and compare it with its manifest or with what is expected', 'name'),
  )
  add('list', 'Print the names of objects', 'prefix')
}

function withExpected(command: Command): Command {
  return command
    .option('--size <bytes>', 'expected size', wholeNumber)
    .option('--sha256 <hex>', 'expected SHA-256')
    .option('--root <hex>', 'recorded digest of the manifest; without it, the manifest is believed')
}

async function transfer({ io }: Session, command: ObjectCommand, name: string, options: ObjectOptions): Promise<void> {
  const { compression, level, recipient = [], size, sha256, root } = options
  // Loaded only here: the other commands need no store.
  const { readDestination, transferObject } = await import('../objects/transfer-object.ts')
  const request = {
    command,
    name,
    destination: readDestination(await readSecret(io, options.destination, 'the destination')),
    compression,
    level,
    recipients: recipient,
    replace: options.replace ?? false,
    identities: options.identityFile === undefined ? [] : await identitiesIn(io, options.identityFile),
    expected: {
      ...(size === undefined ? {} : { sizeBytes: size }),
      ...(sha256 === undefined ? {} : { sha256: hex(sha256, '--sha256') }),
      ...(root === undefined ? {} : { root: hex(root, '--root') }),
    },
  }
  await transferObject(io, request)
}

async function identitiesIn(io: Io, file: string): Promise<string[]> {
  return identityIn(await readSecret(io, file, 'the identity')).split('\n')
}

function hex(text: string, option: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new UsageError(`${option} must be 64 hexadecimal digits.`)
  return text.toLowerCase()
}
