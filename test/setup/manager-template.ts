import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryFolder, TEMPLATE_VARIABLE } from '@osb-backup/testkit'
import { createLog } from '../../packages/manager/src/context/log.ts'
import { EmbeddedPostgres } from '../../packages/manager/src/database/embedded-postgres.ts'
import { openDatabase } from '../../packages/manager/src/database/open-database.ts'

/**
 * Creates what the first start of a manager creates in its `DATA_DIR` at the most cost: the cluster of the embedded PostgreSQL,
 * with empty tables. The testkit copies it for each manager.
 *
 * @returns What removes it.
 */
export async function createManagerTemplate(): Promise<() => Promise<void>> {
  const folder = await makeTemporaryFolder()
  const log = createLog('silent')
  const postgres = await EmbeddedPostgres.start(join(folder.path, 'postgres'), log)
  try {
    await (await openDatabase(postgres.connection, log)).destroy()
  } finally {
    await postgres.stop()
  }
  // Tests kill processes, not the machine: what the kernel has is not lost.
  await appendFile(join(folder.path, 'postgres', 'data', 'postgresql.conf'), 'fsync = off\nfull_page_writes = off\n')
  process.env[TEMPLATE_VARIABLE] = folder.path
  return async () => folder[Symbol.asyncDispose]()
}
