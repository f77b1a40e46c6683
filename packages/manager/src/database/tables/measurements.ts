import type { ColumnType } from 'kysely'

/** Sums of what metrics measure, without the changes in `measurement_changes`. */
export interface MeasurementTable {
  metric: string
  kind: string
  result: string
  bucket: number
  count: string
  sum: number
}

/** Written by triggers of `jobs` and `restore_points`. */
export interface MeasurementChangeTable {
  id: ColumnType<string, never, never>
  metric: string
  kind: string
  result: string
  bucket: number
  value: number
}

/** The upper limits of the buckets of each metric. */
export interface MeasurementLimitsTable {
  metric: string
  limits: number[]
}
