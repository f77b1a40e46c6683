import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'

const program = [process.execPath, join(import.meta.dirname, '../../demo/demo.ts')]
const npm = ['npm', 'run', 'demo', '--']
const standing = 'Ctrl-C ends the demo.'

/** What a terminal does. */
const toGroup = (pid: number) => process.kill(-pid, 'SIGINT')
/** What arrives below npm when a terminal has signalled all. */
async function twice(pid: number): Promise<void> {
  process.kill(pid, 'SIGINT')
  await sleep(10)
  process.kill(pid, 'SIGINT')
}

/** The processes of the PostgreSQL servers that keep their data below a folder. */
async function postmastersBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const files = names.filter((name) => name.endsWith('postmaster.pid'))
  return Promise.all(files.map(async (name) => (await readFile(join(folder, name), 'utf8')).split('\n')[0] ?? ''))
}

test.for([
  { name: 'the demo that stays up, when signalled twice', command: [...program, '--keep'], at: standing, send: twice },
  { name: 'the demo below npm', command: [...npm, '--keep', '--files'], at: standing, send: toGroup },
  { name: 'the demo in the middle', command: [...npm, '--files'], at: '2. Back up', send: toGroup },
])('Ctrl-C ends $name, and nothing of it is left', async ({ command: [file = '', ...args], at, send }) => {
  await using folder = await makeTemporaryFolder()
  const demo = spawn(file, args, {
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const closed = once(demo, 'close')
  await expect.poll(() => output).toContain(at)
  const postmasters = await postmastersBelow(folder.path)
  expect(postmasters).not.toEqual([])
  await send(demo.pid ?? Number.NaN)
  await closed
  // npm keeps a cache of its own there.
  const ours = async () => (await readdir(folder.path)).filter((name) => name.startsWith('osb-backup-'))
  await expect.poll(ours).toEqual([])
  expect(output).not.toContain('failed')
  const isUp = (pid: string) => existsSync(`/proc/${pid}`)
  await expect.poll(() => postmasters.filter(isUp)).toEqual([])
})
