import type { AlarmEvent } from '@osb-backup/protocol/v1'
import type { Caller } from '../../access/caller.ts'
import type { Alarm } from '../../alarms/alarm.ts'
import { findAlarm, visibilityOf } from '../../alarms/service.ts'
import type { Context } from '../../context/context.ts'

type FeedContext = Pick<Context, 'database' | 'jobChanges' | 'log'>

/** Who follows alarms, and of which instance. */
export interface AlarmFollower {
  caller: Caller
  instanceId: string | undefined
  /** @param formatted - The event as it is sent; the same text for everybody. */
  send(formatted: string): void
}

/**
 * Notifies any number of followers of alarms that are raised, resolved or acknowledged, in the order in which they changed. Each
 * change is read once, however many follow; without followers nothing is read.
 */
export class AlarmFeed {
  readonly #context: FeedContext
  readonly #format: (event: AlarmEvent) => string
  readonly #followers = new Set<AlarmFollower>()
  readonly #pending = new Set<string>()
  readonly #unsubscribe: () => void
  #isSending = false

  constructor(context: FeedContext, format: (event: AlarmEvent) => string) {
    this.#context = context
    this.#format = format
    this.#unsubscribe = context.jobChanges.subscribeAlarms((id) => this.#changed(id))
  }

  /** Calls back for each change that the follower may see. Returns what ends that. */
  follow(follower: AlarmFollower): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  close(): void {
    this.#unsubscribe()
  }

  #changed(id: string): void {
    if (this.#followers.size === 0) return
    // Of changes that come while an alarm waits to be read, the last is sent.
    this.#pending.add(id)
    if (this.#isSending) return
    this.#isSending = true
    void this.#sendPending().finally(() => {
      this.#isSending = false
    })
  }

  /** Never rejects. */
  async #sendPending(): Promise<void> {
    for (const id of this.#pending) {
      this.#pending.delete(id)
      await this.#sendOne(id).catch((error: unknown) => this.#warn(id, error))
    }
  }

  #warn(alarmId: string, error: unknown): void {
    this.#context.log.warn({ err: error, alarmId }, 'the event of an alarm was not sent')
  }

  async #sendOne(id: string): Promise<void> {
    const alarm = await findAlarm(this.#context, id)
    if (alarm === undefined) return
    const isVisible = await visibilityOf(this.#context, alarm)
    const formatted = this.#format(toEvent(alarm))
    const sending = [...this.#followers].map(async ({ caller, instanceId, send }) => {
      if (instanceId !== undefined && alarm.instanceId !== instanceId) return
      if (await isVisible(caller)) send(formatted)
    })
    // One whose grants cannot be read misses the event; the others do not.
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === 'rejected') this.#warn(id, sent.reason)
    }
  }
}

function toEvent({ id, kind, severity, until, instanceId, planId, acknowledgement }: Alarm): AlarmEvent {
  const state = until === undefined ? 'open' : 'resolved'
  return { alarmId: id, kind, severity, state, instanceId, planId, acknowledged: acknowledgement !== undefined }
}
