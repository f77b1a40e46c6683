import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cliOf } from '../fixtures/cli.ts'

const ours = join(import.meta.dirname, '../../script-packs')
let root: string
let packs = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pack-check-'))
})
afterAll(() => rm(root, { recursive: true }))

const cli: ReturnType<typeof cliOf> = (args) => cliOf(root, {})(args)
const packFile = (more: object = {}) => JSON.stringify({ form: 2, name: 'x', type: '.sql', ...more })
const strict = 'set -euo pipefail\n'
const formTwo = {
  'pack.json': packFile(),
  'backup.sh': `${strict}dump\n`,
  'restore.sh': `${strict}load\n`,
  'list-items.sh': `${strict}list\n`,
}

async function check(files: Record<string, string>) {
  const directory = join(root, `${++packs}`, 'x')
  await mkdir(directory, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  const { code, stdout } = await cli(['pack', 'check', directory, '--output', 'json'])
  const { findings, form } = JSON.parse(stdout)
  const messages: string[] = findings.map(
    ({ severity, file, message }: Record<string, string>) => `${severity} ${file}: ${message}`,
  )
  return { code, form, messages }
}

test('our own packs break nothing', async () => {
  const found = (await readdir(ours, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  for (const { name } of found) {
    const { code, stdout } = await cli(['pack', 'check', join(ours, name)])
    expect([name, code, stdout]).toEqual([name, 0, expect.stringContaining(' 0 errors')])
  }
})

test('a pack that is right has no findings, whatever else its scripts do with secrets', async () => {
  const backup = `${strict}export MYSQL_PWD=$BACKUP_PASSWORD
file=$BACKUP_DIRECTORY/options
printf '[client]\\npassword="%s"\\n' "$BACKUP_PASSWORD" >"$file"
[ -n "$BACKUP_PASSWORD" ] || exit 1
SECRET="$BACKUP_PASSWORD" dump --defaults-file="$file" # --password="$BACKUP_PASSWORD"
login <<<"$BACKUP_PASSWORD"
cat <<END | login
$BACKUP_PASSWORD
END
dump --with-password="\${BACKUP_PASSWORD:+yes}" '$BACKUP_PASSWORD' "\${#BACKUP_PASSWORD}"
`
  expect(await check({ ...formTwo, 'backup.sh': backup })).toEqual({ code: 0, form: 2, messages: [] })
})

test.each<[string, Record<string, string>, RegExp]>([
  [
    'a password of the agent',
    { 'backup.sh': `${strict}dump -p"$BACKUP_PASSWORD"\n` },
    /error backup.sh: dump gets a secret/,
  ],
  [
    'it under another name',
    { 'backup.sh': `${strict}pw=\${BACKUP_PASSWORD}\ndump \\\n  --pw "$pw" | cat\n` },
    /dump gets a secret/,
  ],
  [
    'it in a subshell',
    { 'restore.sh': `${strict}x=$(load --password=$BACKUP_BACKUP_PASSWORD)\n` },
    /load gets a secret/,
  ],
  ['it by env', { 'backup.sh': `${strict}env PW="$BACKUP_PASSWORD" dump\n` }, /env gets a secret/],
  [
    'a secret parameter',
    {
      'pack.json': packFile({ parameters: [{ name: 'pin', type: 'string', secret: true }] }),
      'backup.sh': `${strict}dump "$BACKUP_PARAMETER_PIN"\n`,
    },
    /dump gets a secret/,
  ],
])('%s in an argument is found', async (_what, files, message) => {
  const { code, messages } = await check({ ...formTwo, ...files })
  expect(code).toBe(1)
  expect(messages.join('\n')).toMatch(message)
})

test.each<[string, Record<string, string>, RegExp]>([
  ['a lock without an unlock', { 'pre-backup-lock.sh': `${strict}lock\n` }, /post-backup-unlock.sh: is missing/],
  ['a declared stage', { 'pack.json': packFile({ stages: ['verify'] }) }, /verify.sh: is missing/],
  ['JSON that is not valid', { 'pack.json': '{' }, /pack.json: is not valid JSON/],
  ['a type of the agent', { 'pack.json': packFile({ type: '.sql.gz' }) }, /pack.json: type: must not end in/],
  [
    'a parameter whose default does not suit',
    { 'pack.json': packFile({ parameters: [{ name: 'jobs', type: 'integer', default: 'two' }] }) },
    /has a default that must be a whole number/,
  ],
  ['a script that is no shell', { 'restore.sh': 'if true; then\n' }, /error restore.sh: .*syntax error/],
  ['pipefail that is switched off', { 'backup.sh': 'set -eu\nset +o pipefail\ndump | cat\n' }, /switches pipefail off/],
])('%s is an error', async (_what, files, message) => {
  const { code, messages } = await check({ ...formTwo, ...files })
  expect(code).toBe(1)
  expect(messages.join('\n')).toMatch(message)
})

test('of form 1 every published stage is needed, and pipelines need pipefail', async () => {
  const stages = ['pre-backup-lock', 'pre-backup-check', 'backup-cleanup', 'post-backup-unlock']
  const more = ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock']
  const all = Object.fromEntries([...stages, ...more].map((stage) => [stage, 'set -e\n']))
  const one = await check({ ...all, backup: 'set -e\nmysqldump "$4" | gzip > "$5"\n' })
  expect([one.form, one.code]).toEqual([1, 1])
  expect(one.messages).toEqual([expect.stringMatching(/backup: has a pipeline without "set -o pipefail"/)])
  const { 'restore-cleanup': _removed, ...fewer } = all
  const two = await check({ ...fewer, backup: 'set -euo pipefail\nmysqldump -p"$3" "$4" | gzip > "$5"\n' })
  expect(two.messages.toSorted()).toEqual([
    expect.stringMatching(/error backup: mysqldump gets a secret/),
    expect.stringMatching(/error restore-cleanup.sh: is missing/),
  ])
})

test('warnings do not fail the check, and a directory that cannot be read does', async () => {
  const { code, messages } = await check({
    ...formTwo,
    'pack.json': packFile({ parmeters: [] }),
    'backup.sh': 'dump\n',
  })
  expect(code).toBe(0)
  expect(messages).toEqual([
    expect.stringMatching(/^warning pack.json: "parmeters" is not known/),
    expect.stringMatching(/^warning backup.sh: runs without "set -e"/),
  ])
  expect((await cli(['pack', 'check', join(root, 'none')])).code).toBe(2)
})
