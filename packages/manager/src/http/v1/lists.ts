import type { List } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { KeysetPage, KeysetRequest } from '../../shared/keyset.ts'
import { RequestError } from '../../shared/request-error.ts'

const DEFAULT_LIMIT = 50
const cursorSchema = z.array(z.string()).min(1).max(4)

/**
 * Which page a request asks for.
 *
 * @throws {RequestError} If its cursor is not one of this API.
 */
export function keysetOf({
  limit = DEFAULT_LIMIT,
  cursor,
}: {
  limit?: number | undefined
  cursor?: string | undefined
}): KeysetRequest {
  return { limit, after: cursor === undefined ? undefined : decodeCursor(cursor) }
}

/** A page as the API answers it. */
export function toList<T, Wire>(
  { entries, next }: Pick<KeysetPage<T>, 'entries' | 'next'>,
  toWire: (entry: T) => Wire,
): List<Wire> {
  return { items: entries.map(toWire), ...(next === undefined ? {} : { nextCursor: encodeCursor(next) }) }
}

function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

function decodeCursor(cursor: string): string[] {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
  } catch (cause) {
    const message = 'cursor must be the nextCursor of the page before: start again without it.'
    throw new RequestError('invalid', message, { field: 'cursor', cause })
  }
}

/** An instant of a query or body. */
export function toDate(instant: string | undefined): Date | undefined {
  return instant === undefined ? undefined : new Date(instant)
}
