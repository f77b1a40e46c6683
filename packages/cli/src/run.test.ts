import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { commandReference } from './index.ts'
import { allCommands } from './reference/describe-command.ts'
import { run } from './run.ts'

const leaves = [...allCommands(commandReference().root)].filter(({ subcommands }) => subcommands.length === 0)

/** Runs a command line without a manager, and returns its exit code with what it printed. */
async function ran(args: readonly string[], env: Record<string, string> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
  const { signal } = new AbortController()
  const io = { stdin: Readable.from([]), stdout, stderr, env: { HOME: '/nonexistent', ...env }, signal, now: Date.now }
  const code = await run(io, args)
  stdout.end()
  stderr.end()
  const [out, err] = await outputs
  return { code, stdout: out, stderr: err }
}

test.for(leaves)(
  '"$path" has help, and rejects what it does not know with a sentence',
  async ({ path, arguments: args }) => {
    const words = path.split(' ').slice(1)
    const help = await ran([...words, '--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(/^Usage: osb-backup /)
    const unknown = await ran([...words, '--no-such-option'])
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toMatch(/^error: .*(--no-such-option|required option)/)
    if (args.some(({ isVariadic }) => isVariadic)) return
    const tooMany = await ran([...words, ...args.map(() => 'a'), 'b'])
    expect(tooMany).toMatchObject({ code: 2, stdout: '' })
    expect(tooMany.stderr).not.toMatch(/^ +at /m)
  },
)

test('a manager that cannot be reached, and one that is not configured, have exit codes of their own', async () => {
  const unreachable = { OSB_BACKUP_URL: 'http://127.0.0.1:9', OSB_BACKUP_TOKEN: 'osbb_secret' }
  for (const line of [
    'status',
    'instance list',
    'plan show nightly',
    'backup shop-db',
    'alarm list',
    'channel test a',
  ]) {
    const { code, stderr, stdout } = await ran(line.split(' '), unreachable)
    expect({ code, stdout }, line).toEqual({ code: 6, stdout: '' })
    expect(stderr).toMatch(/^Error: .*127\.0\.0\.1:9/)
    expect(stderr).not.toMatch(/^ +at |osbb_secret/m)
    expect(await ran(line.split(' ')), line).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('osb-backup login'),
    })
  }
})

test('a mistyped command is answered with the nearest one', async () => {
  expect(await ran(['pln', 'list'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean plan\?/) })
  expect(await ran(['plan', 'rnu'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean run\?/) })
})

test('where JSON was requested, a mistake on the command line is JSON, too', async () => {
  for (const args of [
    ['plan', 'show', '-o', 'json'],
    ['-o', 'json', 'pln'],
    ['plan', 'list', '-ojson', '--nothing'],
  ]) {
    const { code, stderr } = await ran(args)
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { exitCode: 2, message: expect.stringMatching(/\S/) } })
  }
})
