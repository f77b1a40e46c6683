import type { BackupClient } from '@osb-backup/client'
import { type Command, InvalidArgumentError } from 'commander'
import { CliError } from '../exit-code.ts'
import { confirm, confirmByName } from '../input/prompt.ts'
import { findEntry, type Resource } from '../resources/resource.ts'
import type { Session } from '../session.ts'
import { addFilterOptions, queryOf } from './filters.ts'
import type { Program } from './program-context.ts'

const DEFAULT_LIMIT = 50
const PAGE_SIZE = 500

interface ListOptions extends Record<string, unknown> {
  limit: number
  all?: boolean
}

/** Adds the command of a resource with `list` and, where entries have an id, `show`. */
export function addResourceCommand<T>(program: Program, resource: Resource<T>, description: string): Command {
  const command = program.command.command(resource.noun).description(description)
  const list = command.command('list').alias('ls').description(`List ${resource.plural}, newest first`)
  addList(program, list, resource)
  const { noun } = resource
  if (noun !== 'audit') addShow(program, command, resource)
  return command
}

/** Makes a command list the entries of a resource. */
export function addList<T>({ io, action }: Program, list: Command, resource: Resource<T>): void {
  list.option('-n, --limit <count>', 'show at most this many', wholeNumber, DEFAULT_LIMIT).option('--all', 'show all')
  addFilterOptions(list, resource as Resource<never>, io)
  list.action(
    action(async (session, options: ListOptions) => {
      const client = await session.client()
      const limit = options.all ? Number.POSITIVE_INFINITY : options.limit
      const query = await queryOf(client, resource as Resource<never>, options)
      const entries: T[] = []
      // One more than is shown, to know whether there are more.
      const page = Math.min(limit + 1, PAGE_SIZE)
      for await (const entry of resource.calls(client).iterate({ ...query, limit: page })) {
        entries.push(entry)
        if (entries.length > limit) break
      }
      printList(session, resource, entries.slice(0, limit))
      if (entries.length > limit)
        session.printer.note(`Only the first ${limit} are shown. Pass --limit or --all to see more.`)
    }),
  )
}

/** Prints entries of a resource. */
function printList<T>({ printer, io }: Session, resource: Resource<T>, entries: readonly T[]): void {
  const context = { style: printer.style, nowMs: io.now() }
  const { empty, id } = resource
  printer.list(entries, { columns: resource.columns(context), name: id, empty })
}

function addShow<T>({ action }: Program, command: Command, resource: Resource<T>): void {
  const { noun } = resource
  command
    .command('show')
    .description(`Show one of the ${resource.plural}`)
    .argument(`<${noun}>`, 'ID, unique beginning of an ID, or name')
    .action(
      action(async (session, _options: object, name: string) => {
        const entry = await findEntry(await session.client(), resource, name)
        session.printer.value(entry as object, { name: resource.id(entry) })
      }),
    )
}

/** What a deletion asks and does. */
export interface DeleteSettings<T> {
  /** What is lost, in a sentence; undefined for the usual one. */
  consequence?(entry: T): string
  /** Whether the name has to be typed: data or access is lost. */
  byName?: boolean
  delete(client: BackupClient, id: string, options: Record<string, unknown>): Promise<void>
}

/** Adds `delete`. */
export function addDelete<T>(
  { action }: Program,
  command: Command,
  resource: Resource<T>,
  settings: DeleteSettings<T>,
): Command {
  const { noun } = resource
  return command
    .command('delete')
    .alias('rm')
    .description(`Delete one of the ${resource.plural}`)
    .argument(`<${noun}>`, 'ID, unique beginning of an ID, or name')
    .option('--dry-run', 'only say what would be deleted')
    .action(
      action(async (session, options: Record<string, unknown>, name: string) => {
        const client = await session.client()
        const entry = await findEntry(client, resource, name, { isExact: session.flags.yes ?? false })
        const shown = resource.label?.(entry) ?? resource.id(entry)
        const question = [`Delete the ${noun.replaceAll('-', ' ')} "${shown}"?`, settings.consequence?.(entry)]
          .filter(Boolean)
          .join(' ')
        if (options.dryRun)
          return session.printer.note(
            `Would delete the ${noun.replaceAll('-', ' ')} "${shown}" (${resource.id(entry)}).`,
          )
        const ask = settings.byName
          ? confirmByName(session.io, session.flags, question, shown)
          : confirm(session.io, session.flags, question)
        if (!(await ask)) throw new CliError('Nothing was deleted.')
        await settings.delete(client, resource.id(entry), options)
        session.printer.note(`Deleted the ${noun.replaceAll('-', ' ')} "${shown}".`)
      }),
    )
}

/** Reads a whole number of the command line. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
