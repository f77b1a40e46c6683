import { Client, type ClientConfig } from 'pg'
import { sessionConfig } from './session.ts'

/** Any fixed number: the lock's name within the embedded database. */
const LOCK = 4_711_208_015

/**
 * Holds the right to be the only manager on an embedded database: an advisory lock of a connection of its own, which
 * the kernel closes when the process dies, however it dies.
 *
 * @param onLost - Called once if the connection breaks while the lock is held.
 * @returns Undefined if another manager holds it.
 */
export async function acquireExclusiveLock(
  connection: ClientConfig,
  onLost: (error: Error) => void,
): Promise<{ release(): Promise<void> } | undefined> {
  const client = new Client({ ...sessionConfig, ...connection, application_name: 'osb-backup-manager lock' })
  let state: 'acquiring' | 'held' | 'released' = 'acquiring'
  const lost = (error: Error) => {
    if (state !== 'held') return
    state = 'released'
    onLost(error)
  }
  client.on('error', lost)
  client.on('end', () => lost(new Error('the connection was closed')))
  await client.connect()
  const { rows } = await client.query<{ acquired: boolean }>('select pg_try_advisory_lock($1) as acquired', [LOCK])
  if (rows[0]?.acquired !== true) {
    await client.end()
    return undefined
  }
  state = 'held'
  return {
    async release() {
      state = 'released'
      await client.end()
    },
  }
}
