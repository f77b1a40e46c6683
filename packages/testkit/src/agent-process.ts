import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type RunningProcess, startProcess, waitForOutput } from './process.ts'

const main = join(dirname(createRequire(import.meta.url).resolve('@osb-backup/agent')), 'main.ts')
const START_TIMEOUT_MS = 180_000
/** As `npm run agent` has them. */
const nodeFlags = ['--max-semi-space-size=1']

/** An agent in a process of its own. */
export interface AgentProcess extends RunningProcess {
  url: string
  username: string
  password: string
}

/**
 * Starts `npm run agent`'s program and waits until it listens. The folders are the caller's to give.
 *
 * @param prefix - A program that executes the rest of its arguments: `['prlimit', '--nofile=64']`.
 * @param program - Another `main.ts` than the one of this repository.
 */
export async function startAgentProcess(
  settings: Record<string, string>,
  prefix: readonly string[] = [],
  program: string = main,
): Promise<AgentProcess> {
  const credentials = { client_username: 'agent', client_password: 'agent-password-of-the-testkit' }
  const environment = { client_host: '127.0.0.1', client_port: '0', ...credentials, ...settings }
  const running = startProcess(program, environment, { prefix, flags: nodeFlags })
  const [, url = ''] = await waitForOutput(running, /listens on (https?:\/\/[^\s"]+)/, START_TIMEOUT_MS)
  return { ...running, url, username: credentials.client_username, password: credentials.client_password }
}
