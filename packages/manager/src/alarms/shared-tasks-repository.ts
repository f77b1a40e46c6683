import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/**
 * Claims work that one manager does at a time for all, by the database's clock. Nothing is locked while it is done.
 *
 * @param everySeconds - When it is due again.
 * @returns Whether it is this manager's now.
 */
export async function claimSharedTask(
  { database }: { database: Database },
  name: string,
  everySeconds: number,
): Promise<boolean> {
  const { rows } = await sql`
    insert into shared_tasks as task (name, due_at) values (${name}, now() + make_interval(secs => ${everySeconds}))
    on conflict (name) do update set due_at = excluded.due_at
    -- A clock that was set back does not stop it.
    where task.due_at <= now() or task.due_at > excluded.due_at
    returning name`.execute(database)
  return rows.length > 0
}
