import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { commandReference } from './index.ts'
import { allCommands } from './reference/describe-command.ts'
import { run } from './run.ts'

const leaves = [...allCommands(commandReference().root)].filter(({ subcommands }) => subcommands.length === 0)

/** Runs a command line without a manager, and returns its exit code with what it printed. */
async function ran(
  args: readonly string[],
  env: Record<string, string> = {},
  { signal } = new AbortController() as Pick<AbortController, 'signal'>,
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
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

test('help is in groups that leave no command out, and found by "help" as well', async () => {
  const { stdout } = await ran(['--help'])
  expect(stdout).toContain('Every day:')
  expect(stdout).not.toMatch(/^Commands:/m)
  expect((await ran(['help', 'plan', 'run'])).stdout).toBe((await ran(['plan', 'run', '--help'])).stdout)
})

test('a mistyped command is answered with the nearest one', async () => {
  expect(await ran(['pln', 'list'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean plan\?/) })
  expect(await ran(['plan', 'rnu'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean run\?/) })
})

test('where JSON or YAML was requested, a mistake on the command line is JSON, too', async () => {
  for (const args of [
    ['plan', 'show', '-o', 'json'],
    ['-o', 'json', 'pln'],
    ['plan', 'list', '-ojson', '--nothing'],
    ['plan', 'list', '--output=yaml', '--nothing'],
  ]) {
    const { code, stderr } = await ran(args)
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { exitCode: 2, message: expect.stringMatching(/\S/) } })
  }
})

/** A server that answers every request in one way; returns the environment that makes it the manager. */
async function serve(listener: RequestListener): Promise<{ OSB_BACKUP_URL: string; OSB_BACKUP_TOKEN: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close().closeAllConnections())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return { OSB_BACKUP_URL: `http://127.0.0.1:${port}`, OSB_BACKUP_TOKEN: 'osbb_secret' }
}

const page = '<html><body>Welcome</body></html>'
const foreign: [string, number, RegExp, RequestListener][] = [
  ['a web page', 6, /127\.0\.0\.1:\d+ answers \(200\), but not as a manager/, (_, answer) => answer.end(page)],
  ['a web page for what is not found', 6, /answers \(404\), but not/, (_, answer) => answer.writeHead(404).end(page)],
  ['a page of a proxy', 6, /answered 502/, (_, answer) => answer.writeHead(502).end(page)],
  ['another shape', 1, /another shape/, (_, answer) => answer.end('{"items": 3}')],
  [
    'a redirect',
    6,
    /redirects to https:\/\/other\.example: use/,
    (_, answer) => answer.writeHead(301, { location: 'https://other.example/login' }).end(),
  ],
  [
    'half an answer',
    6,
    /does not answer/,
    (_, answer) => answer.writeHead(200, { 'content-length': '1000' }).write('{', () => answer.destroy()),
  ],
]
test.for(foreign)('a server that answers with %s is reported with a sentence', async ([, code, message, listener]) => {
  const env = await serve(listener)
  for (const line of ['status', 'plan show nightly', 'plan delete nightly --yes']) {
    const result = await ran(line.split(' '), env)
    expect(result, line).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
    expect(result.stderr).not.toMatch(/^ +at |osbb_secret/m)
  }
})

test('Ctrl-C ends a command whose manager does not answer', async () => {
  const interrupt = new AbortController()
  const env = await serve(() => interrupt.abort(new Error('interrupted by SIGINT')))
  expect(await ran(['instance', 'list'], env, interrupt)).toEqual({
    code: 130,
    stdout: '',
    stderr: 'Error: The command was interrupted by SIGINT.\n',
  })
})

test('what cannot be a token is not sent, and not shown', async () => {
  const env = await serve((_, answer) => answer.end(page))
  for (const token of ['osbb_secret\nX-Other: 1', 'osbb_secret – mine', 'osbb_secret\u0000']) {
    const { code, stderr } = await ran(['instance', 'list'], { ...env, OSB_BACKUP_TOKEN: token })
    expect(code).toBe(5)
    expect(stderr).toContain('The token is not valid')
    expect(stderr).not.toContain('osbb_secret')
  }
})
