import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type ProgramResult, runProgram } from './built-programs.ts'

/** A running installation that is to back something up. */
export interface Installation {
  managerUrl: string
  token: string
  agent: { url: string; username: string; password: string }
  /** How the command line is started. */
  cli: readonly string[]
  /** A folder of the test, which the agent reads and writes: what is backed up, and the store. */
  folder: string
  /** The same folder, as the agent sees it. */
  folderOfAgent?: string
  /** Called once there is something to back up: gives the agent's account the rights to it. */
  prepare?: () => Promise<void>
}

/** What the README does: registers everything, backs up a directory, damages it, restores it and compares. */
export async function expectBackupAndRestore(installation: Installation): Promise<void> {
  const { managerUrl, token, agent, cli, folder, folderOfAgent = folder, prepare } = installation
  const run = async (args: readonly string[], input = ''): Promise<ProgramResult> => {
    const env = { OSB_BACKUP_URL: managerUrl, OSB_BACKUP_TOKEN: token }
    const result = await runProgram([...cli, ...args], { input, cwd: folder, env })
    expect(result, `osb-backup ${args.join(' ')}: ${result.stderr}${result.stdout}`).toMatchObject({ code: 0 })
    return result
  }
  const uploads = join(folder, 'data/uploads')
  for (const path of [uploads, join(folder, 'store')]) await mkdir(path, { recursive: true })
  await writeFile(join(uploads, 'greeting'), 'hello\n')
  await prepare?.()
  const account = ['--username', agent.username, '--password-file', '-']
  await run(['agent', 'create', agent.url, '--name', 'local', ...account], `${agent.password}\n`)
  const where = ['--host', '127.0.0.1:22', '--parameter', `directory=${join(folderOfAgent, 'data')}`]
  await run(['instance', 'create', 'first', '--agent', 'local', ...where])
  const store = ['--kind', 'file', '--directory', join(folderOfAgent, 'store')]
  await run(['destination', 'create', '--instance', 'first', '--name', 'disk', ...store])
  const schedule = ['--item', 'uploads', '--cron', '0 2 * * *', '--keep', '14d']
  await run(['plan', 'create', '--instance', 'first', '--name', 'nightly', '--destination', 'disk', ...schedule])

  await run(['backup', 'first', '--wait'])
  await writeFile(join(uploads, 'greeting'), 'damaged\n')
  await run(['restore', 'first', '--wait', '--yes'])
  expect(await readFile(join(uploads, 'greeting'), 'utf8')).toBe('hello\n')
}
