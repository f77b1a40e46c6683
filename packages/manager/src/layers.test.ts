import { glob, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

/** Calls that build or run SQL. */
const SQL = /\.(selectFrom|insertInto|updateTable|deleteFrom|mergeInto)\(|\bsql(<[^`]*>)?`/

/** Reads the clock of the manager. */
const OWN_CLOCK = /\bnew Date\(\)|\bDate\.now\(/

test('no decision uses the clock of a manager', async () => {
  const offenders: string[] = []
  for await (const path of glob('**/*.ts', { cwd: import.meta.dirname })) {
    // Compared with PostgreSQL's, and nothing else.
    if (path.endsWith('.test.ts') || path === 'shared/manager-clock.ts') continue
    if (OWN_CLOCK.test(await readFile(`${import.meta.dirname}/${path}`, 'utf8'))) offenders.push(path)
  }
  expect(offenders).toEqual([])
})

test('only repositories and database/ build SQL', async () => {
  const offenders: string[] = []
  let repositories = 0
  for await (const path of glob('**/*.ts', { cwd: import.meta.dirname })) {
    const text = await readFile(`${import.meta.dirname}/${path}`, 'utf8')
    if (path.endsWith('.test.ts') || !SQL.test(text)) continue
    if (path.endsWith('repository.ts') || path.startsWith('database/')) repositories++
    else offenders.push(path)
  }
  expect(offenders).toEqual([])
  expect(repositories).toBeGreaterThan(10)
})
