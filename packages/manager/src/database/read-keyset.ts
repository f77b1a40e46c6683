import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { RequestError } from '../shared/request-error.ts'

/** A column that a list is ordered by. */
export interface KeyColumn {
  name: string
  type: 'instant' | 'text' | 'number'
}

/** What the parts of keys look like; they come back from clients, who may have changed them. */
const shapes: Record<KeyColumn['type'], RegExp> = {
  instant: /^-?\d{1,17}$/,
  text: /^[^\0]{1,300}$/,
  number: /^\d{1,18}$/,
}

/**
 * Reads one page of what a query selects, in the order of a key.
 *
 * @param query - Selecting and filtering, without order and limit.
 * @param key - The columns that make the order total; an index of them makes every page cost the same.
 * @throws {RequestError} If the key to begin after is not one of this list.
 */
export async function readKeyset<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  key: readonly KeyColumn[],
  direction: 'asc' | 'desc',
  { limit, after }: KeysetRequest,
): Promise<KeysetPage<Row>> {
  let page = query.select(sql<string[]>`array[${sql.join(key.map(toText))}]`.as('keyset')).limit(limit + 1)
  for (const { name } of key) page = page.orderBy(sql.ref(name), direction)
  if (after !== undefined) page = page.where(isBehind(key, direction, after))
  const rows = (await page.execute()) as (Row & { keyset: string[] })[]
  const entries = rows.slice(0, limit)
  const keys = entries.map((row) => row.keyset)
  return { entries, keys, next: rows.length > limit ? keys.at(-1) : undefined }
}

function isBehind(key: readonly KeyColumn[], direction: 'asc' | 'desc', after: readonly string[]): RawBuilder<boolean> {
  if (after.length !== key.length || !key.every(({ type }, index) => shapes[type].test(after[index] ?? ''))) {
    throw new RequestError('invalid', 'cursor is not one of this list: start again without it.', { field: 'cursor' })
  }
  const columns = sql.join(key.map(({ name }) => sql.ref(name)))
  const values = sql.join(key.map(({ type }, index) => fromText(type, after[index] ?? '')))
  return sql<boolean>`(${columns}) ${sql.raw(direction === 'asc' ? '>' : '<')} (${values})`
}

/** Instants in microseconds, which is what PostgreSQL stores. */
function toText({ name, type }: KeyColumn): RawBuilder<string> {
  const column = sql.ref(name)
  return type === 'instant' ? sql`(extract(epoch from ${column}) * 1000000)::bigint::text` : sql`${column}::text`
}

function fromText(type: KeyColumn['type'], text: string): RawBuilder<unknown> {
  switch (type) {
    case 'instant':
      return sql`(timestamptz 'epoch' + ${text}::bigint * interval '1 microsecond')`
    case 'number':
      return sql`${text}::bigint`
    case 'text':
      return sql`${text}`
  }
}
