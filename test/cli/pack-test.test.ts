import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cliOf } from '../fixtures/cli.ts'

let root: string
let packs = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pack-test-test-'))
})
afterAll(() => rm(root, { recursive: true }))

const cli: ReturnType<typeof cliOf> = (args) => cliOf(root, {})(args)
const strict = 'set -euo pipefail\n'

/** A service whose databases are files, and whose locks are directories. */
const right: Record<string, string> = {
  'pack.json': JSON.stringify({ form: 2, name: 'shelf', type: '.txt' }),
  'list-items.sh': `${strict}cd "$BACKUP_HOST"; ls -d *.data | sed 's/.data$//'\n`,
  'pre-backup-lock.sh': `${strict}mkdir "$BACKUP_HOST/$BACKUP_DATABASE.lock"; sleep 0.2\n`,
  'post-backup-unlock.sh': `${strict}rm -rf "$BACKUP_HOST/$BACKUP_DATABASE.lock"\n`,
  'backup.sh': `${strict}sleep 0.1; cat "$BACKUP_HOST/$BACKUP_DATABASE.data"; echo "-- end" >/dev/stdout\n`,
  'restore.sh': `${strict}part=$BACKUP_HOST/$BACKUP_DATABASE.$BACKUP_JOB_ID
cat >"$part"; sleep 0.1
[ "$(tail -n 1 "$part")" = "-- end" ] || { echo "the dump has no end" >&2; exit 1; }
sed '$d' "$part" >"$part.whole"; mv "$part.whole" "$BACKUP_HOST/$BACKUP_DATABASE.data"; rm "$part"\n`,
  'restore-cleanup.sh': `${strict}rm -f "$BACKUP_HOST/$BACKUP_DATABASE.$BACKUP_JOB_ID" "$BACKUP_HOST/$BACKUP_DATABASE.$BACKUP_JOB_ID.whole"\n`,
}

/** @param target - What is restored into; without one no restore is tested. */
async function tested(changes: Record<string, string> = {}, target?: string) {
  const [pack, service] = [join(root, `${++packs}`, 'shelf'), join(root, `${packs}`, 'service')]
  await Promise.all([mkdir(pack, { recursive: true }), mkdir(service, { recursive: true })])
  for (const [name, text] of Object.entries({ ...right, ...changes })) await writeFile(join(pack, name), text)
  await writeFile(join(service, 'shop.data'), 'one\ntwo\nthree\nfour\n')
  const access = [
    '--host',
    service,
    '--username',
    'u',
    '--item',
    'shop',
    ...(target === undefined ? [] : ['--restore-into', target]),
  ]
  const { code, stdout, stderr } = await cli(['pack', 'test', pack, ...access, '--output', 'json'])
  const steps: { name: string; ok: boolean; message?: string }[] = stdout === '' ? [] : JSON.parse(stdout).steps
  const failed = steps.filter(({ ok }) => !ok).map(({ name, message }) => `${name}: ${message}`)
  return { code, stderr, names: steps.map(({ name }) => name), failed, service }
}

test('a pack that is right survives being killed in each stage, and what it restored is whole', async () => {
  const { code, names, failed, service } = await tested({}, 'copy')
  expect(failed).toEqual([])
  expect(code).toBe(0)
  expect(names).toEqual([
    'list-items',
    'backup',
    'backup killed in pre-backup-lock',
    'backup killed in backup',
    'backup killed in post-backup-unlock',
    'backup after all that',
    'restore',
    'restore killed in restore',
    'restore killed in restore-cleanup',
    'restore of half a dump is noticed, and cleaned up',
    'restore of what is no dump is noticed, and cleaned up',
    'restore after all that',
  ])
  expect((await readdir(service)).toSorted()).toEqual(['copy.data', 'shop.data'])
  expect(await readFile(join(service, 'copy.data'), 'utf8')).toBe('one\ntwo\nthree\nfour\n')
})

test.each<[string, Record<string, string>, RegExp]>([
  ['does not unlock', { 'post-backup-unlock.sh': `${strict}:\n` }, /killed in pre-backup-lock|after all that.*lock/],
  [
    'cannot unlock twice',
    { 'post-backup-unlock.sh': `${strict}rmdir "$BACKUP_HOST/$BACKUP_DATABASE.lock"\n` },
    /post-backup-unlock exited with 1: rmdir/,
  ],
  [
    'takes half a dump for a whole one',
    { 'restore.sh': `${strict}cat >"$BACKUP_HOST/$BACKUP_DATABASE.data"\n` },
    /half a dump is noticed: neither restore nor verify failed/,
  ],
  ['prints no dump', { 'backup.sh': `${strict}:\n` }, /backup: the dump is empty/],
  ['does not list what it can back up', { 'list-items.sh': `${strict}echo users\n` }, /does not list shop/],
  ['leaves files', { 'backup.sh': `${right['backup.sh']}mktemp >&2\n` }, /left in TMPDIR/],
])('a pack that %s fails', async (_what, changes, message) => {
  const { code, failed } = await tested(changes, 'restore.sh' in changes ? 'copy' : undefined)
  expect(code).toBe(1)
  expect(failed.join('\n')).toMatch(message)
})

test('a new pack passes the check, and its stages fail until they are written', async () => {
  for (const options of [[], ['--lock']]) {
    const directory = join(root, `new${options.length}`, 'cassandra')
    expect(await cli(['pack', 'new', 'cassandra', '--directory', directory, ...options])).toMatchObject({ code: 0 })
    const checked = await cli(['pack', 'check', directory, '--output', 'json'])
    expect(JSON.parse(checked.stdout)).toMatchObject({ form: 2, findings: [] })
    expect((await cli(['pack', 'new', 'cassandra', '--directory', directory])).code).toBe(2)
  }
  const access = ['--host', 'h', '--username', 'u', '--item', 'x', '--output', 'json']
  const { code, stdout } = await cli(['pack', 'test', join(root, 'new0', 'cassandra'), ...access])
  expect(code).toBe(1)
  expect(stdout).toContain('list-items is not written yet')
  expect((await cli(['pack', 'new', 'No Name'])).code).toBe(2)
})
