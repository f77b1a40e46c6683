import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LabEnv } from '../../lab/index.ts'
import { dropDatabase, fillDatabase, recreateDatabase } from '../../test/main-job/databases.ts'

const run = promisify(execFile)
const bytesPerRow = 160

/**
 * Makes the files to move: a dump of a database with generated rows, and as much of /usr/lib in a tar.
 *
 * @returns Their paths by what they are.
 */
export async function makeData(lab: LabEnv, folder: string, sizeBytes: number): Promise<Record<string, string>> {
  const dump = join(folder, 'dump')
  await makeDump(lab, dump, sizeBytes)
  return { 'a pg_dump': dump, 'a tar of /usr/lib': await makeTar(folder, sizeBytes) }
}

/** Makes a tar of /usr/lib, repeated where that is smaller. */
export async function makeTar(folder: string, sizeBytes: number): Promise<string> {
  const tar = join(folder, 'lib.tar')
  const once = 'tar --create --ignore-failed-read /usr/lib 2>/dev/null'
  await run('bash', ['-c', `while ${once}; do :; done | head -c ${sizeBytes} > "${tar}"`])
  return tar
}

async function makeDump({ postgresql }: LabEnv, path: string, sizeBytes: number): Promise<void> {
  const { url, bin, host, port, username, password } = postgresql
  const database = `bench_transfer_${process.pid}`
  await recreateDatabase(url, database)
  try {
    await fillDatabase(url, database, Math.ceil(sizeBytes / bytesPerRow))
    const env = { PGHOST: host, PGPORT: String(port), PGUSER: username, PGPASSWORD: password, PGDATABASE: database }
    await run(join(bin, 'pg_dump'), ['--format=custom', '--compress=0', '--file', path], { env })
  } finally {
    await dropDatabase(url, database)
  }
}
