import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { pipeHolderOf } from './pipe-holder.ts'
import { openStandardStreams } from './standard-streams.ts'

async function run(script: string, options = {}) {
  const { stdio, ends, closeScriptEnds } = await openStandardStreams('stream', options)
  const child = spawn('bash', ['-c', script], { stdio })
  closeScriptEnds()
  const { stdin, stdout, stderr } = ends ?? child
  if (!stdin || !stdout || !stderr) throw new Error('a stream is missing')
  stdin.end('given\n')
  const [out, error] = await Promise.all([text(stdout), text(stderr), once(child, 'exit')])
  return { out, error }
}

test('a script opens its streams by name', async () => {
  // Long after the other end of its input was closed.
  const { out, error } = await run('sleep 0.2; cat /dev/stdin > /dev/stdout; echo problem > /dev/stderr')
  expect({ out, error }).toEqual({ out: 'given\n', error: 'problem\n' })
})

test('the start-up files of bash are not read', async () => {
  const home = await mkdtemp(join(tmpdir(), 'osb-home-'))
  onTestFinished(() => rm(home, { recursive: true }))
  for (const file of ['.bashrc', 'env']) await writeFile(join(home, file), `: > ${join(home, 'was-read')}\n`)
  // Without a level bash takes itself for the first shell of a remote one.
  for (const [name, value] of Object.entries({ HOME: home, BASH_ENV: join(home, 'env'), SHLVL: undefined })) {
    vi.stubEnv(name, value)
  }
  onTestFinished(() => void vi.unstubAllEnvs())
  const { ends, closeScriptEnds } = await openStandardStreams('empty')
  closeScriptEnds()
  for (const end of [ends?.stdout, ends?.stderr]) end?.destroy()
  expect(existsSync(join(home, 'was-read'))).toBe(false)
})

test('a writer sees that its reader has gone away', async () => {
  const { stdio, ends, closeScriptEnds } = await openStandardStreams('empty')
  const child = spawn('bash', ['-c', 'yes'], { stdio })
  closeScriptEnds()
  ends?.stdout.destroy()
  ends?.stderr.resume()
  const [status, signal] = await once(child, 'exit')
  expect({ status, signal }).toEqual({ status: null, signal: 'SIGPIPE' })
})

test('where no pipe can be opened a script still runs, with the streams that Node makes', async () => {
  const { out, error } = await run('cat; echo problem >&2', { processes: '/nonexistent' })
  expect({ out, error }).toEqual({ out: 'given\n', error: 'problem\n' })
})

test('one bash creates the pipes of many scripts, keeps none of them, and is replaced when it was killed', async () => {
  const holder = pipeHolderOf(undefined)
  const openFiles = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))
  const pids = await Promise.all([1, 2].map(() => holder.withPipes((pid) => pid)))
  const [first = 0, second] = pids
  expect(second).toBe(first)
  const left = openFiles(first)
  const during = await holder.withPipes(openFiles)
  expect(during).toHaveLength(left.length + 3)
  process.kill(first, 'SIGKILL')
  await expect.poll(() => existsSync(`/proc/${first}`)).toBe(false)
  expect((await run('cat; echo problem > /dev/stderr')).error).toBe('problem\n')
})
