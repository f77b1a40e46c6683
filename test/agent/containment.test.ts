import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { agentWith, backupBody, formOne, formTwo, restoreBody, until } from './agent-under-test.ts'
import { CrashingAgent, isAlive, send, untilDead } from './crashing-agent.ts'

const top = '$(dirname "$0")/..'

/** A background process that has left its process group and its session, and whose parent has exited. */
const escaped = `(setsid bash -c 'echo $$ >> "$1/pids"; exec sleep 1000' bash "${top}" > /dev/null 2>&1 < /dev/null &)
while [ ! -s "${top}/pids" ]; do sleep 0.02; done
`

async function pidsOf(path: string): Promise<number[]> {
  const text = await readFile(join(path, 'pids'), 'utf8')
  return text.split('\n').filter(Boolean).map(Number)
}

test.each([
  ['the time limit', `${escaped}sleep 100\n`, 'exceeded its time limit'],
  ['a failure', `${escaped}exit 3\n`, 'exited with status 3'],
  ['a success', `${escaped}echo dump\n`, ''],
])('a process that calls setsid does not outlive %s of its stage', async (_end, backup, message) => {
  const check = `while read -r pid; do ! grep -q ") [SRT] " "/proc/$pid/stat" || touch "${top}/alive"; done < "${top}/pids"\n`
  const under = await agentWith(formTwo({ backup, 'backup-cleanup': check }), { stage_timeout_seconds: '3' })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job.status).toBe(message === '' ? 'SUCCEEDED' : 'FAILED')
  expect(job.error_message ?? '').toContain(message)
  const pids = await pidsOf(under.root)
  expect(pids).toHaveLength(1)
  expect(await Promise.all(pids.map(isAlive))).toEqual([false])
  await expect(under.read('alive')).rejects.toThrow('ENOENT')
})

test('processes that fork all the time are ended', async () => {
  const loop = `(setsid bash -c 'while :; do setsid sleep 1000 & sleep 0.01; done' > /dev/null 2>&1 < /dev/null &)\nsleep 100\n`
  const under = await agentWith(formTwo({ backup: loop }), { stage_timeout_seconds: '2' })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect((await under.over('backup', 'x')).error_message).toContain('exceeded its time limit')
  expect(await processesIn(under.root)).toEqual([])
})

/** The processes whose environment names a directory. */
async function processesIn(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`BACKUP_DIRECTORY=${directory}/`)
    } catch {
      return false
    }
  })
}

test('the processes of a killed agent are ended by the next one, also those that have left their session', async () => {
  const agent = await CrashingAgent.prepare(formTwo({ backup: `${escaped}echo dump\nsleep 100\n` }))
  await agent.start()
  await send('backup', agent, 'x')
  await until(async () => (await agent.read('pids')) !== '', 'the process runs')
  await agent.kill()
  await agent.start()
  expect(await agent.over('backup', 'x')).toMatchObject({ status: 'FAILED' })
  await untilDead(await pidsOf(agent.root))
  expect(await processesIn(agent.root)).toEqual([])
})

test('a process of the lock script may hold the lock until the unlock has ended, and not longer', async () => {
  const check = `kill -0 "$(cat "${top}/pids")"\n`
  const scripts = { 'pre-backup-lock': escaped, backup: `${check}echo dump\n`, 'post-backup-unlock': check }
  const under = await agentWith(formTwo(scripts))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
  expect(await Promise.all((await pidsOf(under.root)).map(isAlive))).toEqual([false])
})

const dump = 'head -c 10000000 /dev/zero; sleep 0.5; head -c 10000000 /dev/zero'

test.each([
  ['in the background', `{ ${dump}; } &\nexit 0\n`],
  ['in a session of its own', `setsid bash -c '${dump}' &\nexit 0\n`],
  ['behind a process substitution', `exec > >(sleep 2; cat)\necho some\n`],
  ['and is cut at once', `bash -c 'head -c 100000 /dev/zero; sleep 0.2' &\nsleep 0.1\nexit 0\n`],
  ['slowly', `{ sleep 30; echo more; } &\necho some\nexit 0\n`],
])('a dump that is still written %s when the script exits is a failure', async (_how, backup) => {
  const under = await agentWith(formTwo({ backup }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
  expect(job.error_message).toContain('still held its standard output')
  expect(await under.objects()).toEqual([])
})

test('a file that is still written when the script of form 1 exits is a failure', async () => {
  const backup = `{ printf dump; sleep 30; printf more; } > "$BACKUP_DIRECTORY/$5.tar.gz" 2> /dev/null &\nsleep 0.5\nexit 0\n`
  const under = await agentWith(formOne({ backup }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
  expect(job.error_message).toContain('had the dump or a file of the job open')
})

test('a restore that still reads the dump when its script exits is a failure', async () => {
  const restore = `exec 5<&0\n{ sleep 1; cat <&5 > "${top}/restored"; } > /dev/null 2>&1 &\nexit 0\n`
  const under = await agentWith(formTwo({ backup: 'head -c 3000000 /dev/zero\n', restore }))
  await under.call('POST', '/backup', backupBody(under, 'b'))
  const { filename = '' } = await under.over('backup', 'b')
  await under.call('PUT', '/restore', restoreBody(under, 'r', { filename }))
  const job = await under.over('restore', 'r')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(job.error_message).toContain('had the dump or a file of the job open')
})

test.each(['', '#!/bin/sh\n', '#!/bin/bash\n'])(
  'form 2: a pipeline fails with any of its commands (%j)',
  async (shebang) => {
    const under = await agentWith(formTwo())
    await writeFile(join(under.scripts, 'backup'), `${shebang}sh -c 'echo half; exit 3' | cat\n`)
    await under.call('POST', '/backup', backupBody(under, 'x'))
    const job = await under.over('backup', 'x')
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
    expect(job.error_message).toContain('exited with status 3')
    expect(await under.objects()).toEqual([])
  },
)

test('form 1: scripts run as the Go agent runs them, without pipefail', async () => {
  const under = await agentWith(formOne({ 'pre-backup-check': 'false | true\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
})

/** Mounts the cgroups of version 2, where the agent finds them, for the duration of a test. Whether that is permitted. */
async function mountCgroups(): Promise<boolean> {
  const path = await mkdtemp(join(tmpdir(), 'cgroups-'))
  const isMounted = spawnSync('mount', ['-t', 'cgroup2', 'none', path]).status === 0
  onTestFinished(async () => {
    if (isMounted) spawnSync('umount', ['-l', path])
    await rmdir(path)
  })
  return isMounted
}

test('in a cgroup a process is ended that has changed its environment too (where cgroups may be mounted)', async ({
  skip,
}) => {
  if (!(await mountCgroups())) skip('cgroups of version 2 cannot be mounted here')
  const hidden = `(env -i setsid bash -c 'echo $$ >> "$1/pids"; exec sleep 1000' bash "${top}" > /dev/null 2>&1 < /dev/null &)
while [ ! -s "${top}/pids" ]; do sleep 0.02; done
`
  const agent = await CrashingAgent.prepare(formTwo({ backup: `${hidden}cat /proc/self/cgroup\n` }))
  await agent.start()
  await send('backup', agent, 'x')
  expect(await agent.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
  const [pid = Number.NaN] = await pidsOf(agent.root)
  expect(await isAlive(pid)).toBe(false)
  const crashing = await CrashingAgent.prepare(formTwo({ backup: `${hidden}echo dump\nsleep 100\n` }))
  await crashing.start()
  await send('backup', crashing, 'x')
  await until(async () => (await crashing.read('pids')) !== '', 'the process runs')
  await crashing.kill()
  await crashing.start()
  expect(await crashing.over('backup', 'x')).toMatchObject({ status: 'FAILED' })
  await untilDead(await pidsOf(crashing.root))
})
