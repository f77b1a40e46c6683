import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Message } from '../message.ts'

/** Scripts that notify need no more. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }

/**
 * Runs the program that the operator configured, without a shell or arguments: the message is JSON on its standard input.
 *
 * @throws {Error} If it exits with anything but 0.
 */
export async function runCommand(program: string, message: Message, signal: AbortSignal): Promise<void> {
  const child = spawn(program, [], {
    env: ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'ignore'],
    signal,
    killSignal: 'SIGKILL',
  })
  // A program that does not read its input is not at fault.
  child.stdin.on('error', () => child.stdin.destroy())
  const { notification, environment, title, text } = message
  const { id, event, content, createdAt } = notification
  child.stdin.end(
    JSON.stringify({ id, event, environment, title, text, createdAt: createdAt.toISOString(), ...content }),
  )
  const [code, killedBy] = await once(child, 'close')
  if (code !== 0) throw new Error(`NOTIFICATION_COMMAND ended with ${killedBy ?? `exit code ${code}`}.`)
}
