import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { fileOf, PackAgent, type Target } from './pack-agent.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let agent: PackAgent
let directory: string
beforeEach(async () => {
  agent ??= await PackAgent.start('sqlite')
  directory = join(agent.under.root, `data ${randomUUID()}`)
  await mkdir(directory)
})
afterAll(() => agent?.[Symbol.asyncDispose]())

const path = (name: string) => join(directory, name)
const item = (database: string, parameters: Record<string, unknown> = {}): Target => ({
  database,
  parameters: { directory, ...parameters },
})
const replacing = (database: string) => item(database, { replace: true, busy_timeout_seconds: 1 })
const backup = async (database: string) => fileOf(await agent.backup(item(database)))

/** Opens a database for one function, which may leave what it wrote in the write-ahead log. */
async function using(name: string, act: (database: DatabaseSync) => unknown): Promise<void> {
  const database = new DatabaseSync(path(name))
  try {
    await act(database)
  } finally {
    database.close()
  }
}

/** Everything in a database, as SQL, and its settings. */
const digest = (name: string): string =>
  execFileSync('sqlite3', [path(name)], {
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    input:
      '.dump\nPRAGMA user_version;\nPRAGMA application_id;\nPRAGMA encoding;\nPRAGMA page_size;\nPRAGMA auto_vacuum;',
  })

const awkward = `
  PRAGMA foreign_keys = OFF;
  PRAGMA encoding = 'UTF-16le'; PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2; PRAGMA user_version = 42; PRAGMA application_id = 7;
  PRAGMA journal_mode = WAL;
  CREATE TABLE "odd "" 'name', ü" (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT, b BLOB, r REAL, g TEXT AS (t || '!') STORED, "a b" INT DEFAULT 7);
  INSERT INTO "odd "" 'name', ü" (id, t, b, r) VALUES (1, '🐘 ''quoted''' || char(0, 10, 13) || 'x', x'00ff', 1e308), (5000, NULL, zeroblob(100000), -0.0);
  DELETE FROM "odd "" 'name', ü" WHERE id = 5000;
  CREATE TABLE strict (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;
  INSERT INTO strict VALUES ('a', 1), ('b', 'text'), ('c', x'01');
  CREATE INDEX partial ON strict (v) WHERE v > 0;
  CREATE VIEW seen AS SELECT k FROM strict;
  CREATE TRIGGER inserted AFTER INSERT ON strict BEGIN UPDATE strict SET v = 2 WHERE k = NEW.k; END;
  CREATE VIRTUAL TABLE search USING fts5(words);
  INSERT INTO search VALUES ('the quick brown fox');
  CREATE TABLE parent (id INTEGER PRIMARY KEY);
  CREATE TABLE child (p REFERENCES parent (id));
  INSERT INTO child VALUES (99)`

test('awkward content that is only in the write-ahead log comes back under another name and over live data', async () => {
  await using('shop.db', async (database) => {
    database.exec(awkward)
    expect((await stat(path('shop.db'))).size).toBeLessThan((await stat(path('shop.db-wal'))).size)
    const filename = await backup('shop.db')
    const before = digest('shop.db')
    const copied = await agent.restore(item(`copy 'of' "shop"`), filename)
    fileOf(copied)
    expect(copied.verify_errorlog).toContain('whole')
    expect(digest(`copy 'of' "shop"`)).toBe(before)
    expect((await stat(path(`copy 'of' "shop"`))).mode).toBe((await stat(path('shop.db'))).mode)

    database.exec('DELETE FROM strict; CREATE TABLE not_in_the_dump (i)')
    const live = digest('shop.db')
    const refused = await agent.restore(item('shop.db'), filename)
    expect(refused.error_message).toMatch(/not empty.*replace/)
    expect(digest('shop.db')).toBe(live)
    fileOf(await agent.restore(replacing('shop.db'), filename))
    expect(digest('shop.db')).toBe(before)
    // The application stayed connected, sees what was restored, and can write.
    expect(database.prepare('SELECT count(*) AS n FROM strict').get()).toEqual({ n: 3 })
    database.exec("INSERT INTO strict VALUES ('d', 1)")
  })
  expect((await readdir(directory)).toSorted()).toEqual([`copy 'of' "shop"`, 'shop.db'])
})

test('the items are the databases of the directory, and nothing that only looks like one', async () => {
  await using('b.db', (database) => database.exec('CREATE TABLE t (i)'))
  await using('a b', (database) => database.exec('CREATE TABLE t (i)'))
  await writeFile(path('note.db'), 'SQLite format 2')
  await symlink(path('b.db'), path('link.db'))
  expect(await agent.items(item('none'))).toEqual({ items: ['a b', 'b.db'] })
  expect((await agent.backup(item('link.db'))).error_message).toMatch(/symbolic link/)
  expect((await agent.backup(item('note.db'))).error_message).toMatch(/no SQLite database/)
  expect((await agent.backup(item('none.db'))).error_message).toMatch(/there is no file/)
  await copyFile(path('b.db'), path('line\nfeed'))
  expect(await agent.items(item('none'))).toMatchObject({ code: 'list_items_failed' })
})

test('a database that is written to all the time is backed up as of one moment', async () => {
  await using('busy.db', async (database) => {
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE a (i, b DEFAULT (randomblob(2000))); CREATE TABLE z (i)')
    database.exec(
      "INSERT INTO a (i) SELECT value FROM json_each('[' || rtrim(replace(hex(zeroblob(5000)), '00', '0,'), ',') || ']')",
    )
    let [isOver, written] = [false, 0]
    const writing = (async () => {
      for (; !isOver; written++) {
        database.exec(`BEGIN; INSERT INTO a (i) VALUES (${written}); INSERT INTO z VALUES (${written}); COMMIT`)
        await new Promise(setImmediate)
      }
    })()
    const filename = await backup('busy.db').finally(() => {
      isOver = true
    })
    await writing
    expect(written).toBeGreaterThan(0)
    fileOf(await agent.restore(item('copy.db'), filename))
  })
  await using('copy.db', (database) => {
    const counts = 'SELECT (SELECT count(*) FROM a) - 5000 = (SELECT count(*) FROM z) AS same'
    expect(database.prepare(counts).get()).toEqual({ same: 1 })
  })
})

test('a database that stays locked fails the job for now, and keeps its content', async () => {
  await using('shop.db', async (database) => {
    database.exec('CREATE TABLE t (i); INSERT INTO t VALUES (1)')
    const filename = await backup('shop.db')
    database.exec('INSERT INTO t VALUES (2); BEGIN EXCLUSIVE')
    const locked = await agent.backup(item('shop.db', { busy_timeout_seconds: 0 }))
    expect(locked).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
    expect(locked.error_message).toMatch(/have the database locked/)
    const job = await agent.restore(item('shop.db', { replace: true, busy_timeout_seconds: 0 }), filename)
    expect(job.error_message).toMatch(/have the database locked/)
    database.exec('COMMIT')
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 2 })
  })
})

test('a restore that is killed within its transaction leaves the old content, and no lock', async () => {
  await using('shop.db', (database) => database.exec('CREATE TABLE t (b); INSERT INTO t VALUES (randomblob(3000000))'))
  const filename = await backup('shop.db')
  const before = digest('shop.db')
  // A transaction that has written half of its pages into the file, as a large restore does.
  const half =
    'PRAGMA cache_size = 1; BEGIN EXCLUSIVE; UPDATE t SET b = randomblob(2000000); INSERT INTO t SELECT b FROM t;'
  const stuck = (script: string) =>
    script.replace(`sqlite "$FILE" <<<'.restore main dump.db'`, `{ echo '${half}'; sleep 1000; } | sqlite "$FILE"`)
  await agent.withScript('restore.sh', stuck, async () => {
    const id = await agent.startRestore(replacing('shop.db'), filename)
    await until(async () => (await stat(path('shop.db'))).size > 4_000_000, 'it writes')
    await agent.cancel('restore', id)
  })
  expect(await readdir(directory)).toEqual(['shop.db'])
  expect(digest('shop.db')).toBe(before)
  await using('shop.db', (database) => database.exec('INSERT INTO t VALUES (3)'))
})

test('journals of a database that was deleted or destroyed do not get into the restored one', async () => {
  await using('shop.db', (database) =>
    database.exec('PRAGMA page_size = 512; CREATE TABLE t (i); INSERT INTO t VALUES (1)'),
  )
  const filename = await backup('shop.db')
  const before = digest('shop.db')
  await using('other.db', async (database) => {
    database.exec(
      'PRAGMA page_size = 512; PRAGMA journal_mode = WAL; CREATE TABLE wrong (i); INSERT INTO wrong VALUES (randomblob(5000))',
    )
    await copyFile(path('other.db-wal'), path('gone.db-wal'))
    await copyFile(path('other.db-wal'), path('shop.db-wal'))
  })
  fileOf(await agent.restore(item('gone.db'), filename))
  expect(digest('gone.db')).toBe(before)
  const sound = await readFile(path('gone.db'))
  await writeFile(path('shop.db'), Buffer.concat([sound.subarray(0, 100), Buffer.alloc(5000, 7)]))
  expect((await agent.restore(item('shop.db'), filename)).error_message).toMatch(/not empty/)
  fileOf(await agent.restore(replacing('shop.db'), filename))
  expect(digest('shop.db')).toBe(before)
  expect((await readdir(directory)).toSorted()).toEqual(['gone.db', 'other.db', 'shop.db'])
})

test('a restore over another page size, with a write-ahead log, works and keeps the log', async () => {
  await using('shop.db', (database) =>
    database.exec('PRAGMA page_size = 512; PRAGMA journal_mode = WAL; CREATE TABLE t (i)'),
  )
  const filename = await backup('shop.db')
  await using('target.db', async (database) => {
    database.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; CREATE TABLE old (i)')
    expect((await agent.restore(replacing('target.db'), filename)).error_message).toMatch(/another page size/)
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  })
  fileOf(await agent.restore(replacing('target.db'), filename))
  expect(digest('target.db')).toBe(digest('shop.db'))
  await using('target.db', (database) =>
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' }),
  )
})

test('a database that is damaged is neither stored nor restored', async () => {
  await using('shop.db', (database) => {
    database.exec('CREATE TABLE t (i, b); CREATE INDEX by_i ON t (i)')
    const insert = database.prepare('INSERT INTO t VALUES (?, randomblob(500))')
    for (let i = 0; i < 100; i++) insert.run(i)
  })
  const before = digest('shop.db')
  const filename = await backup('shop.db')
  const dump = await readFile(agent.objectOf(filename))
  const damaged = Buffer.from(dump)
  damaged.fill(9, 8192, 8300)
  for (const content of [dump.subarray(0, 20_000), Buffer.from('SELECT 1'), damaged, Buffer.concat([dump, dump])]) {
    const job = await agent.restore(replacing('shop.db'), await agent.forge(content, '.sqlite'))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(job.error_message).toMatch(/no SQLite database|not whole|damaged/)
    expect(digest('shop.db')).toBe(before)
  }
  await writeFile(path('damaged.db'), damaged)
  expect(await agent.backup(item('damaged.db'))).toMatchObject({ status: 'FAILED', filename: '' })
})

test('a copy that does not fit on the disk is no success', async () => {
  await using('shop.db', (database) => database.exec('CREATE TABLE t (b); INSERT INTO t VALUES (randomblob(5000000))'))
  const limit = (script: string) => script.replace('# Within', "trap '' XFSZ; ulimit -f 1000\n# Within")
  await agent.withScript('backup.sh', limit, async () => {
    const job = await agent.backup(item('shop.db'))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
    expect(job.error_message).toMatch(/cannot be copied/)
  })
})

test('what a schema calls reaches no file of the machine', async () => {
  const proof = path('proof')
  execFileSync('sqlite3', [path('hostile.db')], {
    input: `CREATE TABLE t (i);
      INSERT INTO t VALUES (1);
      PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = 'CREATE TABLE t (i CHECK (writefile(''${proof}'', ''x'') OR 1))' WHERE name = 't';
      INSERT INTO sqlite_schema VALUES ('view', 'v', 'v', 0, 'CREATE VIEW v AS SELECT writefile(''${proof}'', ''x'')');`,
  })
  const job = await agent.backup(item('hostile.db'))
  const filename =
    job.status === 'SUCCEEDED' ? fileOf(job) : await agent.forge(await readFile(path('hostile.db')), '.sqlite')
  await agent.restore(item('copy.db'), filename)
  await expect(readFile(proof)).rejects.toMatchObject({ code: 'ENOENT' })
})
