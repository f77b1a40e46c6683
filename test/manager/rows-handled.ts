import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { Pool } from 'pg'
import type { Database } from '../../packages/manager/src/database/open-database.ts'
import type { Tables } from '../../packages/manager/src/database/schema.ts'

/** A node of a plan that was executed. */
interface PlanNode {
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Join Filter'?: number
  Plans?: PlanNode[]
}

/**
 * Counts the rows that the statements of a call handle, by their plans: unlike time, they do not depend on the machine. The call
 * gets no rows.
 *
 * @param url - Of the database.
 */
export async function rowsHandledBy(url: string, call: (database: Database) => Promise<unknown>): Promise<number> {
  let rows = 0
  const pool = new Pool({ connectionString: url })
  const explaining: PostgresPool = {
    options: pool.options,
    async connect() {
      const client = await pool.connect()
      const query = async (text: string, values: readonly unknown[]) => {
        if (!/^\s*(select|with)\b/i.test(text)) return client.query(text, [...values])
        const explained = await client.query(`explain (analyze, timing off, format json) ${text}`, [...values])
        for (const row of explained.rows) rows += rowsOf(row['QUERY PLAN'][0].Plan)
        return { command: 'SELECT', rowCount: 0, rows: [] }
      }
      return { query: query as never, release: () => client.release() }
    },
    end: () => pool.end(),
  }
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: explaining }) })
  try {
    await call(database)
  } finally {
    await database.destroy()
  }
  return rows
}

function rowsOf(node: PlanNode): number {
  const each = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)
  return each * node['Actual Loops'] + (node.Plans ?? []).reduce((sum, inner) => sum + rowsOf(inner), 0)
}
