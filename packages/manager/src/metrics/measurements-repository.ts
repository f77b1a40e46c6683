import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

const BATCH_SIZE = 5000

/** What was measured of one kind and result. */
export interface Measured {
  kind: string
  result: string
  /** How many values are in each bucket; the last one has no upper limit. */
  buckets: number[]
  sum: number
}

/** A histogram of what was ever measured. */
export interface Measurements {
  /** Upper limits of the buckets. */
  limits: number[]
  measured: Measured[]
}

/** Reads what was ever measured, by metric. */
export async function readMeasurements({ database }: { database: Database }): Promise<Map<string, Measurements>> {
  const limits = await database.selectFrom('measurement_limits').selectAll().execute()
  const { rows } = await sql<{
    metric: string
    kind: string
    result: string
    bucket: number
    count: string
    sum: number
  }>`
    select metric, kind, result, bucket, sum(count) as count, sum(sum) as sum from (
      select metric, kind, result, bucket, count, sum from measurements
      union all
      select metric, kind, result, bucket, 1, value from measurement_changes
    ) as all_measured group by metric, kind, result, bucket order by metric, kind, result, bucket`.execute(database)
  const found = new Map(limits.map((each): [string, Measurements] => [each.metric, { ...each, measured: [] }]))
  for (const { metric, kind, result, bucket, count, sum } of rows) {
    const histogram = found.get(metric)
    if (histogram === undefined) continue
    let series = histogram.measured.find((each) => each.kind === kind && each.result === result)
    if (series === undefined) {
      series = { kind, result, buckets: Array<number>(histogram.limits.length + 1).fill(0), sum: 0 }
      histogram.measured.push(series)
    }
    series.buckets[bucket] = Number(count)
    series.sum += sum
  }
  return found
}

/**
 * Compacts changes into the sums. Several managers may do so at once: each claims other changes, and all write the sums in one
 * order.
 *
 * @returns Whether there may be more changes.
 */
export async function compactMeasurementChanges({ database }: { database: Database }): Promise<boolean> {
  const { rows } = await sql<{ claimed: string }>`
    with claimed as (
      delete from measurement_changes where id in (
        select id from measurement_changes order by id limit ${BATCH_SIZE} for update skip locked
      ) returning *
    ), written as (
      insert into measurements (metric, kind, result, bucket, count, sum)
      select metric, kind, result, bucket, count(*), sum(value) from claimed
      group by metric, kind, result, bucket order by metric, kind, result, bucket
      on conflict (metric, kind, result, bucket)
        do update set count = measurements.count + excluded.count, sum = measurements.sum + excluded.sum
    )
    select count(*) as claimed from claimed`.execute(database)
  return Number(rows[0]?.claimed ?? 0) === BATCH_SIZE
}
