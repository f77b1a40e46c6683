import { ApiError, type BackupClient } from '@osb-backup/client'
import type { z } from 'zod'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { nearest } from '../input/nearest.ts'
import type { Style } from '../output/style.ts'
import type { Column } from '../output/table.ts'

/** A page of entries is asked for in this size. */
const PAGE_SIZE = 500
/** How many entries are searched for a name or the beginning of an id. */
const SEARCHED = 20_000

/** Names and ids have at most 200 characters; an instance may come before a name. */
const LONGEST_NAME = 401
/** Longest text that a list can be searched for. */
const LONGEST_SEARCH = 200

/** What a column needs besides its entry. */
export interface ColumnContext {
  style: Style
  nowMs: number
}

/** The calls of a resource. */
export interface ResourceCalls<T> {
  get?(id: string): Promise<T>
  iterate(query: Record<string, unknown>): AsyncGenerator<T, void>
}

/** What commands about a resource need to know. */
export interface Resource<T> {
  /** One word or several with hyphens, as in the commands. */
  noun: string
  plural: string
  calls(client: BackupClient): ResourceCalls<T>
  /** Narrows a search for the beginning of an id, where there can be very many entries. */
  searchQuery?(text: string): Record<string, unknown>
  /** Its filters become options of `list`. */
  querySchema: z.ZodObject
  id(entry: T): string
  /** A name for people, if it has one. */
  label?(entry: T): string | undefined
  /** The service instance that it belongs to, where names are unique within one only. */
  instanceId?(entry: T): string
  columns(context: ColumnContext): readonly Column<T>[]
  /** What a person reads where there is none. */
  empty: string
}

/** How exactly an entry has to be named. */
export interface FindOptions {
  /** The whole ID or name is required: what follows cannot be undone, and nobody is asked. */
  isExact?: boolean
}

/**
 * Finds an entry by its id, the unique beginning of its id, its name, or `<instance>/<name>`.
 *
 * @throws {CliError} If there is none, or several, or there are too many to know.
 */
export async function findEntry<T>(
  client: BackupClient,
  resource: Resource<T>,
  text: string,
  { isExact = false }: FindOptions = {},
): Promise<T> {
  // A variable of a script that is not set must not name the only entry there is.
  if (text.trim() === '') throw new UsageError(`The ${nounOf(resource)} is empty.`)
  if (text.length > LONGEST_NAME) throw notFound(resource, [], `${text.slice(0, 50)}…`)
  const calls = resource.calls(client)
  const direct = await getById(calls, text)
  if (direct !== undefined) return direct
  const { matches, others, isComplete } = await search(resource, calls, text)
  const [found, ...more] = matches
  if (!isComplete) {
    throw new UsageError(`There are too many ${resource.plural} to search for "${text}".`, { hint: 'Use a whole ID.' })
  }
  if (found === undefined) throw notFound(resource, others, text)
  if (more.length > 0) {
    const names = matches.slice(0, 10).map((entry) => qualifiedName(resource, entry))
    throw new UsageError(`"${text}" matches several ${resource.plural}: ${names.join(', ')}.`, {
      hint: 'Use one of these, or a whole ID.',
    })
  }
  if (isExact && !isNamed(resource, found, text)) {
    throw new UsageError(
      `With --yes, the ${nounOf(resource)} has to be named as a whole: ${qualifiedName(resource, found)}.`,
    )
  }
  return found
}

async function search<T>(
  resource: Resource<T>,
  calls: ResourceCalls<T>,
  text: string,
): Promise<{ matches: T[]; others: T[]; isComplete: boolean }> {
  const matches: T[] = []
  const others: T[] = []
  const narrowed = text.length > LONGEST_SEARCH ? {} : resource.searchQuery?.(text)
  let searched = 0
  for await (const entry of calls.iterate({ ...narrowed, limit: PAGE_SIZE })) {
    if (isMatch(resource, entry, text)) matches.push(entry)
    else if (others.length < PAGE_SIZE) others.push(entry)
    searched += 1
    if (searched >= SEARCHED) return { matches, others, isComplete: false }
  }
  return { matches, others, isComplete: true }
}

/** The id of the entry that `findEntry` finds. */
export async function findId<T>(
  client: BackupClient,
  resource: Resource<T>,
  text: string,
  options: FindOptions = {},
): Promise<string> {
  return resource.id(await findEntry(client, resource, text, options))
}

async function getById<T>(calls: ResourceCalls<T>, text: string): Promise<T | undefined> {
  if (calls.get === undefined || text.includes('/')) return undefined
  try {
    return await calls.get(text)
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return undefined
    throw error
  }
}

function isMatch<T>(resource: Resource<T>, entry: T, text: string): boolean {
  return resource.id(entry).startsWith(text) || isNamed(resource, entry, text)
}

/** Whether a text is the whole id or name of an entry. */
function isNamed<T>(resource: Resource<T>, entry: T, text: string): boolean {
  const label = resource.label?.(entry)
  if (resource.id(entry) === text || label === text) return true
  return label !== undefined && resource.instanceId !== undefined && `${resource.instanceId(entry)}/${label}` === text
}

const nounOf = <T>({ noun }: Resource<T>) => noun.replaceAll('-', ' ')

function qualifiedName<T>(resource: Resource<T>, entry: T): string {
  const label = resource.label?.(entry)
  const owner = resource.instanceId?.(entry)
  if (label === undefined) return resource.id(entry)
  return `${owner === undefined ? label : `${owner}/${label}`} (${resource.id(entry)})`
}

function notFound<T>(resource: Resource<T>, entries: readonly T[], text: string): CliError {
  const names = entries.flatMap((entry) => [resource.id(entry), resource.label?.(entry) ?? []].flat())
  return new CliError(`There is no ${nounOf(resource)} "${text}".${nearest(text, names)}`, {
    exitCode: exitCodes.notFound,
    hint: `List them with "osb-backup ${resource.noun} list".`,
  })
}
