import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort, makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, onTestFinished, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** The shell commands of a section of README.md, block by block. */
async function commandsOf(section: string): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, after = ''] = readme.split(`\n## ${section}\n`)
  const [own = ''] = after.split('\n## ')
  return [...own.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block)
}

test('the first backup of README.md works as it is written, with other ports and another folder', async () => {
  await using folder = await makeTemporaryFolder()
  const [managerPort, agentPort] = [await freePort(), await freePort()]
  const env = {
    ...process.env,
    PORT: String(managerPort),
    client_port: String(agentPort),
    XDG_CONFIG_HOME: folder.path,
  }
  const blocks = (await commandsOf('First backup')).map((block) =>
    block
      .replaceAll('/tmp/first', join(folder.path, 'first'))
      .replaceAll(':8080', `:${managerPort}`)
      .replaceAll(':8000', `:${agentPort}`),
  )
  const [manager = '', agent = '', ...commands] = blocks
  const shell = (script: string) => spawn('bash', ['-euc', script], { cwd: root, env, detached: true })
  for (const [script, ready] of [
    [manager, /listens on/],
    [agent, /listens on/],
  ] as const) {
    const child = shell(script)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    const closed = once(child, 'close')
    onTestFinished(async () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await closed
    })
    await expect.poll(() => output).toMatch(ready)
  }
  const child = shell(commands.join('\n'))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect({ code: child.exitCode, stderr }).toMatchObject({ code: 0 })
  expect(stdout).toMatch(/The backup job \S+ has succeeded[\s\S]*The restore job \S+ has succeeded[\s\S]*\nhello\n$/)
})
