import type { ColumnType, JSONColumnType } from 'kysely'

/** A JSON object or array. */
export type Json<T extends object> = JSONColumnType<T>

/** JSON that may also be a plain value; written as JSON text. */
export type JsonText<T> = ColumnType<T, string, string>

/** Set by the database when the row is created. */
export type CreatedAt = ColumnType<Date, Date | undefined, never>

/** The instances that a token or a broker account is granted. */
export type Grants = 'all' | readonly string[]

/** What the last verification of an object found. */
export type VerifiedState = 'intact' | 'damaged' | 'missing'
