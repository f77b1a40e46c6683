import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The environment variable that names the folder in which a run of the tests keeps data directories to copy. */
export const DATA_TEMPLATES_VARIABLE = 'POSTGRESQL_DATA_TEMPLATES'

/**
 * Creates a server's data directory. `initdb` runs for the first server of a version; the next ones get a copy of its result.
 *
 * @param initdb - Creates `data`.
 */
export async function createData(data: string, major: number, initdb: () => Promise<void>): Promise<void> {
  const folder = process.env[DATA_TEMPLATES_VARIABLE]
  const template = folder === undefined ? undefined : join(folder, String(major))
  if (template !== undefined && existsSync(template)) {
    await run('cp', ['-a', template, data])
    return
  }
  await initdb()
  if (template === undefined) return
  const fresh = `${template}.${randomUUID()}`
  await run('cp', ['-a', data, fresh])
  // Another file may have been quicker.
  await rename(fresh, template).catch(() => rm(fresh, { recursive: true }))
}
