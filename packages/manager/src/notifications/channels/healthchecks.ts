import type { NotificationEvent } from '../channel.ts'
import type { Message } from '../message.ts'
import { type DeliveryRules, post } from './http-post.ts'

/** A test only adds to the log of the check. Nothing else is a ping: success is never what remains. */
const paths: Partial<Record<NotificationEvent, string>> = {
  ...{ started: '/start', succeeded: '', failed: '/fail' },
  test: '/log',
}

/** Pings a check as Healthchecks takes it: start, success or failure, with an id of the run. */
export async function ping(url: string, { notification, text }: Message, rules: DeliveryRules): Promise<void> {
  const { event, content } = notification
  const path = paths[event]
  if (path === undefined) throw new Error(`A check is not pinged for ${event}.`)
  const target = new URL(url)
  target.pathname = target.pathname.replace(/\/+$/, '') + path
  if (content.jobId !== undefined) target.searchParams.set('rid', uuidOf(content.jobId))
  await post({ url: target.href, headers: { 'content-type': 'text/plain' }, body: text }, rules)
}

/** Runs are identified by UUIDs: the 24 digits of a job, and 8 zeros. */
function uuidOf(jobId: string): string {
  const digits = jobId.padEnd(32, '0')
  return [8, 4, 4, 4, 12]
    .reduce<{ at: number; parts: string[] }>(
      ({ at, parts }, length) => ({ at: at + length, parts: [...parts, digits.slice(at, at + length)] }),
      { at: 0, parts: [] },
    )
    .parts.join('-')
}
