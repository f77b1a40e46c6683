/**
 * Whether every combination of database, mode and accounts is tested. Otherwise each database is restored once in each mode, and the
 * accounts take turns.
 */
export const isFullMatrix = process.env.PACK_MATRIX === 'full'

/** All of the values with the full matrix; otherwise a single one, another one for each index. */
export function rotate<T>(values: readonly T[], index: number): readonly T[] {
  if (isFullMatrix || values.length === 0) return values
  return [values[index % values.length] as T]
}

/** The values with the full matrix; otherwise the given part of them. */
export function fullOr<T>(values: readonly T[], isKept: (value: T, index: number) => boolean): readonly T[] {
  return isFullMatrix ? values : values.filter(isKept)
}
