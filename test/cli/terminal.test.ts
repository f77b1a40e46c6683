import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { MASKED_SECRET } from '@osb-backup/protocol'
import { TEST_TOKEN } from '@osb-backup/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { cliOf, cliProgram } from '../fixtures/cli.ts'
import { startFixture } from '../fixtures/fixture.ts'

/** `osb-backup` on a terminal of 100 columns. */
class Terminal {
  /** Everything it has shown, with its control sequences. */
  output = ''
  readonly #child: ReturnType<typeof spawn>
  readonly #closed: Promise<unknown>

  constructor(args: readonly string[], env: Record<string, string>) {
    const quoted = [process.execPath, cliProgram, ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(' ')
    this.#child = spawn('script', ['-qefc', `stty cols 100 rows 40; ${quoted}`, '/dev/null'], {
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm', TZ: 'UTC', ...env },
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
    })
    this.#closed = once(this.#child, 'close')
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  get text(): string {
    return stripVTControlCharacters(this.output)
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** @returns The exit code. */
  async ended(): Promise<number | null> {
    await this.#closed
    return this.#child.exitCode
  }
}

test('on a terminal: progress, questions, Ctrl-C and an editor', async () => {
  await using fixture = await startFixture({
    backup: 'echo "the content of $BACKUP_DATABASE"; while [ -e "$BACKUP_PARAMETER_HOLD" ]; do sleep 0.1; done',
    restore: 'cat > "$BACKUP_PARAMETER_TARGET"',
    'pre-backup-check': 'echo expectedSizeBytes=40',
    'pack.json': JSON.stringify({
      form: 2,
      name: 'small',
      type: '.dump',
      parameters: [
        { name: 'mode', type: 'string', values: ['swap', 'in-place'], required: true },
        { name: 'pin', type: 'string', secret: true, required: true },
        { name: 'workers', type: 'integer', minimum: 1, default: 2 },
      ],
    }),
  })
  const { folder, manager, client } = fixture
  const env = { HOME: folder, OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN }
  const [hold, target] = [join(folder, 'hold'), join(folder, 'target')]
  await client.instances.update('i', { parameters: { hold, target, mode: 'swap', pin: '1' } })
  await fixture.createPlan({ name: 'nightly', items: ['shop'] })

  await writeFile(hold, '')
  const waiting = new Terminal(['backup', 'i', '--wait'], env)
  await expect.poll(() => waiting.text).toMatch(/backup shop {2}running {2}backup {2}50 % {2}20 B of 40 B/)
  waiting.type('\u0003')
  expect(await waiting.ended()).toBe(130)
  expect(waiting.text).toMatch(/Stopped waiting\. The job [0-9a-f]+ continues\./)
  const [job] = (await client.jobs.list()).items
  expect(job?.state).toBe('running')
  await rm(hold)
  expect(await new Terminal(['job', 'watch', job?.id ?? ''], env).ended()).toBe(0)

  const mistyped = new Terminal(['restore', 'i', 'shop', '--wait'], env)
  await expect.poll(() => mistyped.text).toContain('Type "i" to continue')
  mistyped.type('shop\r')
  expect(await mistyped.ended()).toBe(1)
  expect(mistyped.text).toContain('Nothing was restored.')
  const confirmed = new Terminal(['restore', 'i', 'shop', '--wait'], env)
  await expect.poll(() => confirmed.text).toContain('Type "i" to continue')
  confirmed.type('i\r')
  expect(await confirmed.ended(), confirmed.text).toBe(0)
  expect(await readFile(target, 'utf8')).toBe('the content of shop\n')

  const left = new Terminal(['plan', 'delete', 'nightly'], env)
  await expect.poll(() => left.text).toContain('Type "nightly" to continue')
  left.type('\u0003')
  expect(await left.ended()).toBe(130)
  expect(left.text).toContain('Cancelled: nothing was changed.')

  const editor = join(folder, 'editor.sh')
  await writeFile(editor, '#!/bin/sh\ncp "$1" "$0.seen"\nsed -i "s/^name: nightly/name: weekly/" "$1"\n')
  await chmod(editor, 0o755)
  const edited = new Terminal(['plan', 'edit', 'nightly'], { ...env, EDITOR: editor })
  expect(await edited.ended(), edited.text).toBe(0)
  expect((await client.plans.list()).items).toMatchObject([{ name: 'weekly' }])
  expect(await readFile(`${editor}.seen`, 'utf8')).toMatch(/# Whether its schedule is paused\npaused: false/)
  const unchanged = new Terminal(['plan', 'edit', 'weekly'], { ...env, EDITOR: 'true' })
  expect(await unchanged.ended()).toBe(0)
  expect(unchanged.text).toContain('Nothing was changed.')

  const remote = await client.destinations.create({
    instanceId: 'i',
    name: 'remote',
    store: { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 'secret-of-the-store' },
  })
  // The first answer is rejected: the editor is opened again with the reason.
  await writeFile(
    editor,
    `#!/bin/sh
cp "$1" "$0.seen"
if grep -q "^# ERROR:" "$1"; then sed -i "s/^quotaBytes: .*/quotaBytes: 5000/" "$1"
else sed -i "s/^name: remote/name: far\\nquotaBytes: -1/" "$1"; fi
`,
  )
  const corrected = new Terminal(['destination', 'edit', 'remote'], { ...env, EDITOR: editor })
  expect(await corrected.ended(), corrected.text).toBe(0)
  expect(await readFile(`${editor}.seen`, 'utf8')).toMatch(/^# ERROR: .*quotaBytes/)
  expect(await readFile(`${editor}.seen`, 'utf8')).not.toContain('secret-of-the-store')
  expect(await client.destinations.get(remote.id)).toMatchObject({
    name: 'far',
    quotaBytes: 5000,
    store: { endpoint: 'http://127.0.0.1:9', bucket: 'b', authSecretSet: true },
  })
  const emptied = new Terminal(['destination', 'edit', 'far'], { ...env, EDITOR: 'truncate -s 0' })
  expect(await emptied.ended()).toBe(1)
  expect(emptied.text).toContain('Cancelled: nothing was changed.')

  const created = new Terminal(
    ['instance', 'create', 'second', '--host', '127.0.0.9', '--agent', fixture.agentId, '--ask-parameters'],
    env,
  )
  await expect.poll(() => created.text).toMatch(/mode.*\n.*swap/s)
  created.type('\r')
  await expect.poll(() => created.text).toContain('pin:')
  created.type('4711\r')
  await expect.poll(() => created.text).toContain('workers: (2)')
  created.type('0\r')
  await expect.poll(() => created.text).toContain('must be at least 1')
  created.type('\u007f3\r')
  expect(await created.ended(), created.text).toBe(0)
  expect(created.text).not.toContain('4711')
  expect(await client.instances.get('second')).toMatchObject({
    parameters: { mode: 'swap', pin: MASKED_SECRET, workers: '3' },
    secretParameters: ['pin'],
  })

  const program = join(folder, 'osb-backup')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${cliProgram}' "$@"\n`)
  await chmod(program, 0o755)
  const shell = spawn(
    'bash',
    [
      '-c',
      `source <(osb-backup completion bash)
COMP_WORDS=(osb-backup plan list --instance = '') COMP_CWORD=5
_osb_backup
printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { env: { ...env, PATH: `${folder}:${process.env.PATH}` } },
  )
  const [completed] = await Promise.all([text(shell.stdout), once(shell, 'close')])
  expect(completed.split('\n').toSorted()).toEqual(['', 'i', 'second'])

  const narrow = new Terminal(['plan', 'list'], env)
  expect(await narrow.ended()).toBe(0)
  for (const line of narrow.text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(100)
})

test('a restore point is downloaded without an agent, verified and decrypted', async () => {
  await using fixture = await startFixture({ backup: 'head -c 3000000 /dev/zero | tr "\\0" "x"' })
  const { folder, manager, client, store } = fixture
  const cli = cliOf(folder, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  const plan = await fixture.createPlan({ compression: { algorithm: 'zstd' } })
  const key = join(folder, 'key.txt')
  expect(await cli(['plan', 'keys', plan.id, '--identity-file', key, '--no-keep', '--yes'])).toMatchObject({ code: 0 })
  await fixture.runPlan(plan.id)
  const point = await fixture.newestPoint(plan.id)
  const file = join(folder, 'shop.dump')
  expect(await cli(['restore-point', 'download', point.id, '--file', file])).toMatchObject({ code: 2 })
  const downloaded = await cli(['restore-point', 'download', point.id, '--file', file, '--identity-file', key])
  expect(downloaded, downloaded.stderr).toMatchObject({ code: 0 })
  expect((await readFile(file, 'utf8')) === 'x'.repeat(3_000_000)).toBe(true)
  expect(await cli(['restore-point', 'download', point.id, '--file', file, '--identity-file', key])).toMatchObject({
    code: 2,
  })
  const piped = await cli(['restore-point', 'download', point.id, '--identity-file', key])
  expect(piped.stdout.length).toBe(3_000_000)
  const audited = (await client.auditEntries.list({ q: '/object' })).items
  expect(audited.length).toBeGreaterThan(0)

  const path = join(store, point.objectName)
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20)
  await writeFile(path, bytes)
  const full = spawn(
    'sh',
    ['-c', `exec "$0" "$1" restore-point list -o json > /dev/full`, process.execPath, cliProgram],
    {
      env: { PATH: process.env.PATH ?? '', HOME: folder, OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN },
    },
  )
  const [said] = await Promise.all([text(full.stderr), once(full, 'close')])
  expect({ code: full.exitCode, said }).toMatchObject({ code: 1, said: expect.stringMatching(/^Error: .*ENOSPC.*\n$/) })

  const damaged = await cli(['restore-point', 'download', point.id, '--file', `${file}.2`, '--identity-file', key])
  expect(damaged.code).toBe(1)
  await expect(readFile(`${file}.2`)).rejects.toThrow('ENOENT')
})
