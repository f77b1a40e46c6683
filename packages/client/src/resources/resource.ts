import { type List, listOf } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { AnswerShape, CallOptions, Connection, EditOptions, Versioned } from '../connection.ts'

/** The answer to calls that have nothing to return. */
export const noContent = z.undefined()

/** Paging of a list. */
interface Paged {
  limit?: unknown
  cursor?: string | undefined
}

/** The calls of a list: a page, or all entries. */
export const listCalls = <T, Query extends Paged>(connection: Connection, path: string, entry: AnswerShape<T>) => {
  const listAnswer = (each: z.ZodType<T>) => listOf(each) as unknown as z.ZodType<List<T>>
  const answer = typeof entry === 'function' ? async () => listAnswer(await entry()) : listAnswer(entry)
  const list = (query?: Query, options: CallOptions = {}): Promise<List<T>> =>
    connection.call({ method: 'GET', path, query, answer, ...options })
  return {
    /** One page, newest first; `nextCursor` leads to the next. */
    list,
    /** All entries, newest first, page by page as they are needed. */
    async *iterate(query?: Query, options: CallOptions = {}): AsyncGenerator<T, void> {
      let cursor = query?.cursor
      do {
        const page: List<T> = await list({ ...query, cursor } as Query, options)
        yield* page.items
        cursor = page.nextCursor
      } while (cursor !== undefined)
    },
  }
}

/** The calls that read one thing. */
export const readCalls = <T>(connection: Connection, path: string, answer: AnswerShape<T>) => ({
  get: (id: string, options: CallOptions = {}): Promise<T> =>
    connection.call({ method: 'GET', path: pathOf(path, id), answer, ...options }),
})

/** The calls that read and change one thing which has versions. */
export const editCalls = <T, Patch>(connection: Connection, path: string, answer: AnswerShape<T>) => ({
  ...readCalls(connection, path, answer),
  /** As `get`, with the version to be named when it is changed. */
  getVersioned: (id: string, options: CallOptions = {}): Promise<Versioned<T>> =>
    connection.callVersioned({ method: 'GET', path: pathOf(path, id), answer, ...options }),
  /** Changes the fields that are named, and removes those that are null (a JSON merge patch). */
  update: (id: string, patch: Patch, options: EditOptions = {}): Promise<T> =>
    connection.call({ method: 'PATCH', path: pathOf(path, id), body: patch, answer, ...options }),
})

/** The call that deletes one thing. */
export const deleteCall =
  (connection: Connection, path: string) =>
  (id: string, options: EditOptions = {}): Promise<void> =>
    connection.call({ method: 'DELETE', path: pathOf(path, id), answer: noContent, ...options })

/** The path of one thing, or of something about it. */
export function pathOf(path: string, id: string, ...rest: string[]): string {
  return [path, encodeURIComponent(id), ...rest].join('/')
}
