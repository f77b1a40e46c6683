import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Grants } from '../access/caller.ts'
import { type Permission, permissions, roles } from '../shared/role.ts'
import type { NewToken } from '../tokens/token.ts'
import { helpOfSettings } from './help.ts'

/** What the command line asks for. */
export type ManagerCommand =
  | { name: 'help'; text: string }
  | { name: 'version' }
  | { name: 'start' }
  | { name: 'token create'; token: NewToken }
  | { name: 'token list' }
  | { name: 'token revoke'; id: string }
  | { name: 'key rotate' }
  | { name: 'key forget' }
  | { name: 'import'; folder: string; apply: boolean }
  | { name: 'recover'; file: string; apply: boolean }
  | { name: 'reconcile'; id: string; remove: boolean; adopt: boolean; olderThanHours: number | undefined }

/** The command line cannot be read. The message is a sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} Naming what is wrong with it.
 */
export function readCommand(args: readonly string[]): ManagerCommand {
  if (args.length === 0) return { name: 'start' }
  let read: ManagerCommand = { name: 'start' }
  let text = ''
  const program = createProgram((command) => {
    read = command
  })
  configure(program, (written) => {
    text += written
  })
  try {
    program.parse([...args], { from: 'user' })
    return read
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.version') return { name: 'version' }
    if (error.code === 'commander.helpDisplayed') return { name: 'help', text }
    throw new UsageError(sentenceOf(error, args), { cause: error })
  }
}

/** Prints nothing by itself and never exits, in any command. */
function configure(command: Command, writeOut: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeOut, writeErr: () => undefined, getOutHelpWidth: () => 120 })
  command.showSuggestionAfterError().helpOption('-h, --help', 'print help')
  for (const each of command.commands) configure(each, writeOut)
}

function sentenceOf({ code, message }: CommanderError, args: readonly string[]): string {
  // A group of commands without a command.
  if (code === 'commander.help') return `${JSON.stringify(args.join(' '))} lacks a command.`
  const text = message.replace(/^error: /, '').replace(/\n\((.*)\)$/, '. $1')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/([^.?])$/, '$1.')
}

interface TokenOptions {
  name: string
  role: NewToken['role']
  permissions: Permission[]
  instances: Grants
  expires?: Date
}

function createProgram(run: (command: ManagerCommand) => void): Command {
  const program = new Command('npm start --')
    .description(
      'Starts the manager, or works on its data. Commands use the same DATA_DIR or DATABASE_URL, whether it runs or not.',
    )
    .version('', '--version', 'print the version')
    .helpCommand(false)
  const token = program
    .command('token')
    .description('create, list and revoke tokens, also where none is left to sign in with')
  token
    .command('create')
    .description('create a token')
    .requiredOption('--name <name>', 'whose token it is', nameArgument)
    .addOption(new Option('--role <role>', 'what it may do').choices([...roles]).default('viewer'))
    .option('--permissions <list>', `of ${permissions.join(', ')}, separated by commas`, permissionsArgument, [])
    .option('--instances <ids>', 'service instances, separated by commas, or all', instancesArgument, 'all')
    .option('--expires <day>', 'last day, such as 2030-12-31, or an instant', expiryArgument)
    .addHelpText('after', '\nExample:\n  npm start -- token create --name ada --role admin')
    .action(({ name, role, permissions: permitted, instances: grants, expires }: TokenOptions) =>
      run({ name: 'token create', token: { name, role, permissions: permitted, grants, expiresAt: expires } }),
    )
  token
    .command('list')
    .description('list tokens')
    .action(() => run({ name: 'token list' }))
  token
    .command('revoke')
    .description('revoke a token')
    .argument('<id>', 'as `token list` shows it')
    .action((id: string) => run({ name: 'token revoke', id }))
  program
    .command('reconcile')
    .description('compare a destination with its restore points')
    .argument('<destination>', 'its id')
    .option('--remove', 'remove objects without a restore point')
    .option('--adopt', 'adopt those that have a manifest as restore points on hold')
    .option('--older-than-hours <hours>', 'skip younger objects; 24 by default', hoursArgument)
    .action((id: string, { remove = false, adopt = false, olderThanHours }: ReconcileOptions) =>
      run({ name: 'reconcile', id, remove, adopt, olderThanHours }),
    )
  program
    .command('import')
    .description("import what mongodump or mongoexport wrote of the former manager's database")
    .requiredOption('--from <folder>', 'the folder that they wrote to', nonEmptyArgument)
    .option('--apply', 'do it; otherwise it is only said what would be done')
    .action(({ from, apply = false }: SourceOptions) => run({ name: 'import', folder: from, apply }))
  program
    .command('recover')
    .description('rebuild a lost database from the manifests in its stores')
    .requiredOption('--from <file>', 'JSON with the settings of the stores', nonEmptyArgument)
    .option('--apply', 'do it; otherwise it is only said what would be done')
    .action(({ from, apply = false }: SourceOptions) => run({ name: 'recover', file: from, apply }))
  const key = program.command('key').description('rotate the key that seals secrets, or forget a lost one')
  key
    .command('rotate')
    .description('reseal every stored secret under a new key; managers may run meanwhile')
    .action(() => run({ name: 'key rotate' }))
  key
    .command('forget')
    .description('after the key was lost: erase the secrets that nothing opens any more; stop the managers first')
    .action(() => run({ name: 'key forget' }))
  return program.addHelpText('after', helpOfSettings)
}

interface ReconcileOptions {
  remove?: boolean
  adopt?: boolean
  olderThanHours?: number
}

interface SourceOptions {
  from: string
  apply?: boolean
}

function nameArgument(text: string): string {
  if (text === '' || text.length > 200) throw new InvalidArgumentError('It must have 1 to 200 characters.')
  return text
}

function nonEmptyArgument(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.')
  return text
}

function instancesArgument(text: string): Grants {
  const grants: Grants = text === 'all' ? text : text.split(',').map((id) => id.trim())
  if (grants !== 'all' && grants.includes(''))
    throw new InvalidArgumentError('It must be ids separated by commas, or all.')
  return grants
}

function hoursArgument(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function permissionsArgument(text: string): Permission[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((word) => {
      const known = permissions.find((each) => each === word.trim())
      if (known === undefined) throw new InvalidArgumentError(`They are ${permissions.join(', ')}.`)
      return known
    })
}

/** A day ends at its end, in UTC. */
function expiryArgument(text: string): Date {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const expiresAt = new Date(isDay ? `${text}T24:00:00Z` : text)
  if (Number.isNaN(expiresAt.getTime()) || !/^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text)) {
    throw new InvalidArgumentError('It must be a day like 2030-12-31, or an instant like 2030-12-31T12:00:00Z.')
  }
  return expiresAt
}
