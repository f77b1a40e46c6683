import { ApiError, type BackupClient } from '@osb-backup/client'
import type { z } from 'zod'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { nearest } from '../input/nearest.ts'
import type { Style } from '../output/style.ts'
import type { Column } from '../output/table.ts'

/** A page of entries is asked for in this size. */
const PAGE_SIZE = 500
/** So many entries are searched for a name or the beginning of an id. */
const SEARCHED = 20_000

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

/**
 * Finds an entry by its id, the unique beginning of its id, its name, or `<instance>/<name>`.
 *
 * @throws {CliError} If there is none, or several.
 */
export async function findEntry<T>(client: BackupClient, resource: Resource<T>, text: string): Promise<T> {
  const calls = resource.calls(client)
  const direct = await getById(calls, text)
  if (direct !== undefined) return direct
  const entries: T[] = []
  const matches: T[] = []
  let searched = 0
  for await (const entry of calls.iterate({ limit: PAGE_SIZE })) {
    if (isMatch(resource, entry, text)) matches.push(entry)
    else if (entries.length < PAGE_SIZE) entries.push(entry)
    searched += 1
    if (searched >= SEARCHED) break
  }
  const exact = matches.filter((entry) => resource.id(entry) === text || resource.label?.(entry) === text)
  const [found, ...others] = exact.length > 0 ? exact : matches
  if (found !== undefined && others.length === 0) return found
  if (found === undefined) throw notFound(resource, entries, text)
  const names = [found, ...others].slice(0, 10).map((entry) => qualifiedName(resource, entry))
  throw new UsageError(`"${text}" matches several ${resource.plural}: ${names.join(', ')}.`, {
    hint: 'Use one of these, or a whole ID.',
  })
}

/** The id of the entry that `findEntry` finds. */
export async function findId<T>(client: BackupClient, resource: Resource<T>, text: string): Promise<string> {
  return resource.id(await findEntry(client, resource, text))
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
  const id = resource.id(entry)
  const label = resource.label?.(entry)
  if (id.startsWith(text) || label === text) return true
  return label !== undefined && resource.instanceId !== undefined && `${resource.instanceId(entry)}/${label}` === text
}

function qualifiedName<T>(resource: Resource<T>, entry: T): string {
  const label = resource.label?.(entry)
  const owner = resource.instanceId?.(entry)
  if (label === undefined) return resource.id(entry)
  return `${owner === undefined ? label : `${owner}/${label}`} (${resource.id(entry)})`
}

function notFound<T>(resource: Resource<T>, entries: readonly T[], text: string): CliError {
  const names = entries.flatMap((entry) => [resource.id(entry), resource.label?.(entry) ?? []].flat())
  return new CliError(`There is no ${resource.noun.replaceAll('-', ' ')} "${text}".${nearest(text, names)}`, {
    exitCode: exitCodes.notFound,
    hint: `List them with "osb-backup ${resource.noun} list".`,
  })
}
