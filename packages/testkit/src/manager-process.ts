import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import { type RunningProcess, startProcess, waitForOutput } from './process.ts'

/** As `npm start` has them. */
const nodeFlags = ['--max-semi-space-size=4']
const main = join(dirname(createRequire(import.meta.url).resolve('@osb-backup/manager')), 'main.ts')
const START_TIMEOUT_MS = 180_000

/** The first admin token of managers started here. */
export const TEST_TOKEN = 'osbb_token-of-the-testkit-0123456789'

/** A manager in a process of its own, and a client of it. */
export interface ManagerProcess extends RunningProcess {
  url: string
  token: string
  client: BackupClient
}

/**
 * Starts `npm start`'s program and waits until it listens. `DATA_DIR` is the caller's to give.
 *
 * @param program - Another `main.ts` than the one of this repository.
 */
export async function startManagerProcess(
  settings: Record<string, string>,
  prefix: readonly string[] = [],
  program: string = main,
): Promise<ManagerProcess> {
  const running = startProcess(program, environmentOf({ ADMIN_TOKEN: TEST_TOKEN, ...settings }), {
    prefix,
    flags: nodeFlags,
  })
  const [, url = ''] = await waitForOutput(running, /The manager listens on (https?:\S+)/, START_TIMEOUT_MS)
  const token = settings.ADMIN_TOKEN ?? TEST_TOKEN
  return { ...running, url, token, client: new BackupClient({ url, token }) }
}

/** Starts `npm start`'s program with just these settings and a free port, and waits for nothing. */
export function startManagerProgram(
  settings: Record<string, string>,
  args: readonly string[] = [],
  prefix: readonly string[] = [],
): RunningProcess {
  return startProcess(main, environmentOf(settings), { args, prefix, flags: nodeFlags })
}

const environmentOf = (settings: Record<string, string>) => ({
  PORT: '0',
  LOG_LEVEL: 'warn',
  AGENT_POLL_MS: '200',
  ...settings,
})
