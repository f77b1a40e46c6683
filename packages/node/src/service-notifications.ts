import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Environment } from './settings/parse-settings.ts'

const NOTIFY_TIMEOUT_MS = 10_000

/** What systemd asks a service for (Type=notify, WatchdogSec=); empty where it asks for nothing. */
export interface ServiceSupervision {
  /** The socket that systemd listens on. */
  readonly notifySocket?: string
  /** How long systemd waits for a sign of life before it restarts the service. */
  readonly watchdogMs?: number
}

/** Reads what systemd asks for. */
export function readSupervision({ NOTIFY_SOCKET, WATCHDOG_USEC }: Environment): ServiceSupervision {
  if (!NOTIFY_SOCKET) return {}
  const watchdogMs = Number(WATCHDOG_USEC ?? 0) / 1000
  return { notifySocket: NOTIFY_SOCKET, ...(watchdogMs > 0 ? { watchdogMs } : {}) }
}

/**
 * Tells systemd that the service is ready, and from then on, three times within the limit of the watchdog, that its event loop runs.
 * Node has no datagram sockets of Unix, so `systemd-notify` sends the messages, which NotifyAccess=all allows.
 *
 * @param onFailure - Called if a message cannot be sent.
 * @param signal - Ends the signs of life; without one they last as long as the process.
 */
export async function notifyReady(
  supervision: ServiceSupervision,
  onFailure: (error: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { notifySocket, watchdogMs } = supervision
  if (notifySocket === undefined) return
  const notify = async (message: string) => {
    const env = { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: notifySocket }
    await promisify(execFile)('systemd-notify', [message], { env, timeout: NOTIFY_TIMEOUT_MS }).catch(onFailure)
  }
  await notify('--ready')
  if (watchdogMs === undefined || signal?.aborted) return
  const timer = setInterval(() => void notify('WATCHDOG=1'), watchdogMs / 3).unref()
  signal?.addEventListener('abort', () => clearInterval(timer), { once: true })
}
