import { type RawBuilder, sql } from 'kysely'

/** That a row belongs to one of the instances that were granted. */
export function isGranted(column: string, granted: 'all' | readonly string[]): RawBuilder<boolean> {
  if (granted === 'all') return sql<boolean>`true`
  // One value lets PostgreSQL read an index in order. An array parameter otherwise, since an empty list is invalid SQL.
  const [only, ...others] = granted
  if (only !== undefined && others.length === 0) return sql<boolean>`${sql.ref(column)} = ${only}`
  return sql<boolean>`${sql.ref(column)} = any(${[...granted]}::text[])`
}

/** The instances with ids in a range, of those that were granted. */
export interface InstanceRange {
  scope: 'all' | readonly string[]
  /** Exclusive. */
  after: string
  /** Inclusive. */
  last: string
}

/** That a row belongs to one of some instances. A range is read in the order of an index, however many instances there are. */
export function isOfInstances(column: string, instances: readonly string[] | InstanceRange): RawBuilder<boolean> {
  if (!('scope' in instances)) return isGranted(column, instances)
  const { scope, after, last } = instances
  const ref = sql.ref(column)
  return sql<boolean>`(${ref} > ${after} and ${ref} <= ${last} and ${isGranted(column, scope)})`
}

/** That a column contains a text, in upper or lower case. */
export function contains(column: string, text: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} ilike ${`%${text.replace(/[\\%_]/g, '\\$&')}%`}`
}

/** That a column begins with a text. */
export function beginsWith(column: string, text: string): RawBuilder<boolean> {
  return sql<boolean>`starts_with(${sql.ref(column)}, ${text})`
}

/** That the instances of a row, a list or `all`, are among those that were granted. */
export function isGrantedAll(column: string, granted: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`(jsonb_typeof(${sql.ref(column)}) = 'array' and ${sql.ref(column)} <@ ${JSON.stringify(granted)}::jsonb)`
}
