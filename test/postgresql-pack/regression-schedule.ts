import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PostgresServer } from './servers.ts'

/** Tests that leave nothing in the database, and need a server that was started for them. */
const leftOut = new Set(['tablespace'])
/** How long one of them may take, in milliseconds. */
const TEST_TIMEOUT_MS = 180_000

/**
 * Runs PostgreSQL's regression tests as pg_regress does: the groups of parallel_schedule one after the other, the tests of a
 * group at the same time. What the tests print is not compared; they are run for the database that they leave.
 *
 * @param regress - `src/test/regress` of the source; the server's account must be able to read it.
 * @param libraries - The folder of `regress.so`, `refint.so` and `autoinc.so`.
 */
export async function runRegressionTests(server: PostgresServer, regress: string, libraries: string): Promise<void> {
  await server.sql(
    'postgres',
    `CREATE DATABASE regression TEMPLATE template0;
    ALTER DATABASE regression SET lc_messages TO 'C'; ALTER DATABASE regression SET lc_monetary TO 'C';
    ALTER DATABASE regression SET lc_numeric TO 'C'; ALTER DATABASE regression SET lc_time TO 'C';
    ALTER DATABASE regression SET bytea_output TO 'hex'; ALTER DATABASE regression SET timezone_abbreviations TO 'Default';`,
  )
  const results = join(regress, 'results')
  await mkdir(results, { recursive: true })
  await chmod(results, 0o777)
  const environment = {
    ...server.environment('regression'),
    PGTZ: 'PST8PDT',
    PGDATESTYLE: 'Postgres, MDY',
    PGOPTIONS: '-c intervalstyle=postgres_verbose',
    LC_ALL: 'C',
    PG_ABS_SRCDIR: regress,
    PG_ABS_BUILDDIR: regress,
    PG_LIBDIR: libraries,
    PG_DLSUFFIX: '.so',
  }
  const schedule = await readFile(join(regress, 'parallel_schedule'), 'utf8')
  const groups = schedule
    .split('\n')
    .flatMap((line) => (line.startsWith('test:') ? [line.slice(5).trim().split(/\s+/)] : []))
  for (const group of groups) {
    const tests = group.filter((name) => !leftOut.has(name))
    await Promise.all(
      tests.map((name) =>
        runTest(server, environment, join(regress, 'sql', `${name}.sql`), join(results, `${name}.out`)),
      ),
    )
  }
}

/** Fails only if psql cannot connect or the server crashes: errors of single statements are part of the tests. */
async function runTest(
  server: PostgresServer,
  environment: NodeJS.ProcessEnv,
  script: string,
  output: string,
): Promise<void> {
  const psql = join(server.clientPrograms, 'psql')
  const variables = ['-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on']
  const running = promisify(execFile)(psql, ['-X', '-a', '-q', ...variables], {
    env: environment,
    maxBuffer: 1 << 30,
    timeout: TEST_TIMEOUT_MS,
  })
  const { stdin, stdout } = running.child
  if (stdin) createReadStream(script).pipe(stdin)
  stdout?.pipe(createWriteStream(output))
  await running
}
