import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { BackupClient } from '@osb-backup/client'
import { type RunningProcess, startProcess, waitForOutput } from './process.ts'

/** As `npm start` has them. */
const nodeFlags = ['--max-semi-space-size=4']
const main = join(dirname(createRequire(import.meta.url).resolve('@osb-backup/manager')), 'main.ts')
const START_TIMEOUT_MS = 180_000

/** The environment variable that names a bundle of `npm start`'s program, which is started in its place. */
export const MANAGER_PROGRAM_VARIABLE = 'MANAGER_PROGRAM'
const program = () => process.env[MANAGER_PROGRAM_VARIABLE] ?? main

/** The environment variable that names the folder of a `DATA_DIR` to begin with, where there is one. */
export const TEMPLATE_VARIABLE = 'MANAGER_TEMPLATE'

/** The first admin token of managers started here. */
export const TEST_TOKEN = 'osbb_token-of-the-testkit-0123456789'

/** A manager in a process of its own, and a client of it. */
export interface ManagerProcess extends RunningProcess {
  url: string
  token: string
  client: BackupClient
}

/**
 * Starts `npm start`'s program and waits until it listens. `DATA_DIR` is the caller's to give; its embedded PostgreSQL is copied
 * from the template, if there is one and `DATA_DIR` has none yet.
 *
 * @param other - Another `main.ts` than the one of this repository.
 */
export async function startManagerProcess(
  settings: Record<string, string>,
  prefix: readonly string[] = [],
  other?: string,
): Promise<ManagerProcess> {
  if (other === undefined) await copyTemplate(settings)
  const running = startProcess(other ?? program(), environmentOf({ ADMIN_TOKEN: TEST_TOKEN, ...settings }), {
    prefix,
    flags: nodeFlags,
  })
  const [, url = ''] = await waitForOutput(running, /The manager listens on (https?:\S+)/, START_TIMEOUT_MS)
  const token = settings.ADMIN_TOKEN ?? TEST_TOKEN
  return { ...running, url, token, client: new BackupClient({ url, token }) }
}

async function copyTemplate({ DATA_DIR, DATABASE_URL }: Record<string, string>): Promise<void> {
  const template = process.env[TEMPLATE_VARIABLE]
  if (template === undefined || DATA_DIR === undefined || DATABASE_URL !== undefined) return
  if (existsSync(join(DATA_DIR, 'postgres'))) return
  await mkdir(DATA_DIR, { recursive: true, mode: 0o711 })
  // It belongs to the account that PostgreSQL runs under, which only cp keeps.
  await promisify(execFile)('cp', ['-a', join(template, 'postgres'), DATA_DIR])
}

/** Starts `npm start`'s program with just these settings and a free port, and waits for nothing. */
export function startManagerProgram(
  settings: Record<string, string>,
  args: readonly string[] = [],
  prefix: readonly string[] = [],
): RunningProcess {
  return startProcess(program(), environmentOf(settings), { args, prefix, flags: nodeFlags })
}

const environmentOf = (settings: Record<string, string>) => ({
  PORT: '0',
  LOG_LEVEL: 'warn',
  AGENT_POLL_MS: '200',
  ...settings,
})
