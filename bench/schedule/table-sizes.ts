import type { Client } from 'pg'

/** How many rows are inserted into each table, to measure how large one is with its entries in indexes. */
const SAMPLE = 5_000

/** The tables that grow with each run of a plan, and how many rows a daily plan of one item has in each after a year. */
const tables = {
  jobs: 365,
  job_parts: 365,
  job_counters: 365,
  object_names: 365,
  plan_runs: 90,
  // Seven that are stored, and those that were deleted in the last 90 days.
  restore_points: 7 + 90,
} as const

/** What distinguishes the copies of a row. */
const copyId = `'copy-' || lpad(n::text, 20, '0')`
const changes: Record<keyof typeof tables, string> = {
  jobs: `'id', ${copyId}`,
  job_parts: `'job_id', ${copyId}`,
  job_counters: `'day', '1000-01-01'::date + n`,
  object_names: `'name', ${copyId}, 'part_id', ${copyId}`,
  plan_runs: `'id', 1000000000 + n, 'job_id', ${copyId}`,
  restore_points: `'id', ${copyId}, 'job_id', ${copyId}`,
}

/**
 * Prints how large the tables are after a year of daily plans, with the default settings for what is kept: the rows of a run that
 * was recorded are copied, and their sizes multiplied.
 *
 * @param sql - Of a database with a run of each kind, whose manager is paused.
 */
export async function printTableSizes(sql: Client, plans: number): Promise<void> {
  console.log(`\ntables after a year of ${plans} daily plans:`)
  let total = 0
  for (const [table, rowsPerPlan] of Object.entries(tables)) {
    const before = await sizeOf(sql, table)
    await sql.query(
      `insert into ${table} overriding system value
       select (jsonb_populate_record(null::${table}, to_jsonb(original) || jsonb_build_object(${changes[table as keyof typeof tables]}))).*
       from (select * from ${table} limit 1) original, generate_series(1, $1) n`,
      [SAMPLE],
    )
    const rowBytes = ((await sizeOf(sql, table)) - before) / SAMPLE
    const bytes = rowBytes * rowsPerPlan * plans
    total += bytes
    const columns = [
      `${(rowsPerPlan * plans).toLocaleString('en')} rows`,
      `${rowBytes.toFixed(0)} bytes`,
      gigabytes(bytes),
    ]
    console.log(`${table.padEnd(16)}${columns.map((column) => column.padStart(16)).join('')}`)
  }
  console.log(`${'together'.padEnd(48)}${gigabytes(total).padStart(16)}`)
}

const gigabytes = (bytes: number) => `${(bytes / 1_000_000_000).toFixed(2)} GB`

async function sizeOf(sql: Client, table: string): Promise<number> {
  const { rows } = await sql.query<{ bytes: string }>('select pg_total_relation_size($1::regclass) as bytes', [table])
  return Number(rows[0]?.bytes)
}
