import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentProcess } from '@osb-backup/testkit'

/** The result of a job, as its agent reports it. */
export interface JobAnswer {
  status: string
  error_message?: string
  filename?: string
  sha256?: string
  root?: string
  transforms?: object
  filesize?: { bytes?: number }
}

/** A job that succeeded, and its duration from the request to its end. */
export interface JobTaken {
  answer: JobAnswer
  seconds: number
}

export const runBackup = (agent: AgentProcess, body: object, pollMs: number) =>
  runJob(agent, 'POST', '/backup', body, pollMs)

export const runRestore = (agent: AgentProcess, body: object, pollMs: number) =>
  runJob(agent, 'PUT', '/restore', body, pollMs)

/**
 * Runs a job of a new id to its end.
 *
 * @param pollMs - How often it is asked for.
 * @throws {Error} If it does not succeed.
 */
async function runJob(
  agent: AgentProcess,
  method: string,
  path: string,
  body: object,
  pollMs: number,
): Promise<JobTaken> {
  const startedAt = performance.now()
  const id = randomUUID()
  const begun = await ask(agent, method, path, { id, ...body })
  if (begun.status !== 201) throw new Error(`${path} was answered with ${begun.status}: ${await begun.text()}`)
  await begun.body?.cancel()
  for (;;) {
    const answer = (await (await ask(agent, 'GET', `${path}/${id}`)).json()) as JobAnswer
    if (answer.status === 'SUCCEEDED') return { answer, seconds: (performance.now() - startedAt) / 1000 }
    if (answer.status !== 'RUNNING') throw new Error(`${path} failed: ${answer.error_message}`)
    await sleep(pollMs)
  }
}

/** Calls an agent. */
export function ask(agent: AgentProcess, method: string, path: string, body?: unknown): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${agent.username}:${agent.password}`).toString('base64')}`
  return fetch(agent.url + path, {
    method,
    headers: { authorization },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
