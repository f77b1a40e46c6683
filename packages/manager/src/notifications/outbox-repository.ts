import { type Selectable, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { NotificationTable } from '../database/tables/notifications.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Notification, NotificationContent, NotificationEvent } from './channel.ts'
import { PAUSE_SECONDS } from './repository.ts'

/** The second attempt comes after so long, each later one after twice as long, up to an hour. */
const FIRST_BACKOFF_SECONDS = 30
const LONGEST_BACKOFF_SECONDS = 3600
const MAX_DOUBLINGS = 7
/** Longer than an attempt takes. */
const LOCK_SECONDS = 30
/** How many messages are delivered to a channel at the same time; while it fails, one. */
const SLOTS_PER_CHANNEL = 4
/** A ping that was not delivered within so long gives way to a newer one. */
const PROMPT_SECONDS = 60
/** About a day; nobody wants to know then. */
const MAX_ATTEMPTS = 30

/** A notification that is not stored yet. */
export interface NewNotification {
  id?: string
  channelId: string
  alarmId: string | undefined
  event: NotificationEvent
  /** The state that it tells of: nothing is stored if the channel was told, or is going to be. */
  stateKey: string
  content: NotificationContent
  createdAt: Date
  nextAttemptAt: Date
}

/** Adds notifications to the outbox, in the transaction of what happened. */
export async function insertNotifications(
  { database }: InTransaction,
  added: readonly NewNotification[],
): Promise<void> {
  for (let start = 0; start < added.length; start += 1000) {
    const rows = added.slice(start, start + 1000).map((each) => ({
      ...(each.id === undefined ? {} : { id: each.id }),
      channel_id: each.channelId,
      alarm_id: each.alarmId ?? null,
      event: each.event,
      state_key: `${each.channelId} ${each.stateKey}`,
      content: JSON.stringify(each.content),
      created_at: each.createdAt,
      next_attempt_at: each.nextAttemptAt,
      locked_until: null,
      error: null,
      delivered_at: null,
    }))
    await database
      .insertInto('notifications')
      .values(rows)
      .onConflict((conflict) => conflict.column('state_key').doNothing())
      .execute()
  }
}

/** The channels that were notified of alarms, or are going to be. */
export async function notifiedChannels(
  { database }: { database: Database },
  alarmIds: readonly string[],
): Promise<{ alarmId: string; channelId: string }[]> {
  const rows = await database
    .selectFrom('notifications')
    .select(['alarm_id', 'channel_id'])
    .distinct()
    .where('alarm_id', '=', sql<string>`any(${[...alarmIds]}::text[])`)
    .execute()
  return rows.flatMap(({ alarm_id: alarmId, channel_id: channelId }) =>
    alarmId === null ? [] : [{ alarmId, channelId }],
  )
}

/**
 * Withdraws what waits for the end of quiet hours, of alarms that were resolved meanwhile: nobody needs to know of either. Summaries
 * and the list of alarms show them.
 */
export async function withdrawWaiting(
  { database }: InTransaction,
  alarmIds: readonly string[],
  now: Date,
): Promise<void> {
  await sql`
    delete from notifications waiting where alarm_id = any(${[...alarmIds]}::text[]) and attempts = 0
      and next_attempt_at > ${now} and not exists (
        select from notifications told where told.alarm_id = waiting.alarm_id and told.channel_id = waiting.channel_id
          and (told.attempts > 0 or told.next_attempt_at <= ${now})
      )`.execute(database)
}

/**
 * Removes what waits to be told of alarms that became more severe: what tells so replaces it, at once if it is critical. What was
 * attempted stays, since it may have been delivered.
 */
export async function supersedeWaiting(
  { database }: InTransaction,
  newer: readonly Pick<NewNotification, 'alarmId' | 'channelId'>[],
): Promise<void> {
  if (newer.length === 0) return
  await sql`
    delete from notifications waiting
    using unnest(${newer.map(({ alarmId }) => alarmId)}::text[], ${newer.map(({ channelId }) => channelId)}::text[])
      as newer (alarm_id, channel_id)
    where waiting.alarm_id = newer.alarm_id and waiting.channel_id = newer.channel_id and attempts = 0
      and next_attempt_at is not null`.execute(database)
}

/** Withdraws what was not delivered over a channel, except for tests: the channel was disabled, or leads elsewhere. */
export async function withdrawAll({ database }: InTransaction, channelId: string): Promise<void> {
  await database
    .deleteFrom('notifications')
    .where('channel_id', '=', channelId)
    .where('next_attempt_at', 'is not', null)
    .where('event', '<>', 'test')
    .execute()
}

const isPing = (table: string) => sql<boolean>`${sql.ref(`${table}.event`)} in ('started', 'succeeded', 'failed')`
/** Bounded, so that a lock or pause that was stored while the clock was ahead does not outlast its correction. */
const isAhead = (column: string, seconds: number) =>
  sql<boolean>`(${sql.ref(column)} > now() and ${sql.ref(column)} <= now() + make_interval(secs => ${seconds}))`

/**
 * Drops pings that could not be delivered in time if a newer one says more: a check shows the outcome of the newest run. Only an
 * outcome replaces an outcome.
 */
export async function dropOldPings({ database }: { database: Database }): Promise<void> {
  await sql`
    delete from notifications where id in (
      select id from notifications old
      where ${isPing('old')} and next_attempt_at is not null and ${isAhead('old.locked_until', LOCK_SECONDS)} is not true
        and (error is not null or created_at < now() - make_interval(secs => ${PROMPT_SECONDS}))
        and exists (
          select from notifications newer
          where newer.channel_id = old.channel_id and ${isPing('newer')} and newer.sequence > old.sequence
            and newer.next_attempt_at is not null and (newer.event <> 'started' or old.event = 'started')
        )
      for update skip locked
    )`.execute(database)
}

/**
 * Claims notifications that are due, so that no other manager delivers them at the same time: critical ones first, a few of each
 * channel. What tells of one alarm, and the pings of one check, are delivered in order. If the manager disappears, they are due
 * again after a backoff.
 */
export async function claimNotifications({ database }: { database: Database }, limit: number): Promise<Notification[]> {
  const { rows } = await sql<Selectable<NotificationTable>>`
    with busy as (
      select channel_id, count(*) as count from notifications
      where next_attempt_at is not null and ${isAhead('locked_until', LOCK_SECONDS)} group by channel_id
    ), candidates as (
      select due.id, due.next_attempt_at, due.content -> 'alarm' ->> 'severity' is not distinct from 'critical' as is_critical,
        row_number() over (
          partition by due.channel_id
          order by due.content -> 'alarm' ->> 'severity' is not distinct from 'critical' desc, due.next_attempt_at, due.sequence
        ) + coalesce(busy.count, 0) as place,
        case when channel.paused_until is null then ${SLOTS_PER_CHANNEL} else 1 end as slots
      from notifications due join notification_channels channel on channel.id = due.channel_id
        left join busy on busy.channel_id = due.channel_id
      where due.next_attempt_at <= now()
        and (due.event = 'test' or channel.enabled and ${isAhead('channel.paused_until', PAUSE_SECONDS)} is not true)
        and not exists (
          select from notifications earlier
          where earlier.alarm_id = due.alarm_id and earlier.channel_id = due.channel_id
            and earlier.sequence < due.sequence and earlier.next_attempt_at is not null
        )
        and not (${isPing('due')} and exists (
          select from notifications earlier
          where earlier.channel_id = due.channel_id and ${isPing('earlier')}
            and earlier.sequence < due.sequence and earlier.next_attempt_at is not null
        ))
    )
    update notifications set attempts = attempts + 1, locked_until = now() + make_interval(secs => ${LOCK_SECONDS}),
      next_attempt_at = now() + make_interval(secs =>
        least(${LONGEST_BACKOFF_SECONDS}, ${FIRST_BACKOFF_SECONDS} * 2 ^ least(attempts, ${MAX_DOUBLINGS})))
    where id in (
      select claimed.id from notifications claimed join candidates on candidates.id = claimed.id
      where claimed.next_attempt_at <= now() and place <= slots
      order by is_critical desc, candidates.next_attempt_at limit ${limit} for update of claimed skip locked
    ) returning *`.execute(database)
  return rows.map(fromRow)
}

/** Records that a notification was delivered. */
export async function recordDelivery({ database }: { database: Database }, id: string): Promise<void> {
  await database
    .updateTable('notifications')
    .set({ delivered_at: sql<Date>`now()`, next_attempt_at: null, locked_until: null, error: null })
    .where('id', '=', id)
    .execute()
}

/** Records that an attempt failed. After many it is given up. */
export async function recordFailure({ database }: { database: Database }, id: string, error: string): Promise<void> {
  await database
    .updateTable('notifications')
    .set({
      error,
      locked_until: null,
      next_attempt_at: sql<Date | null>`case when attempts < ${MAX_ATTEMPTS} then next_attempt_at end`,
    })
    .where('id', '=', id)
    .execute()
}

/** What a list of notifications is filtered by. */
export interface NotificationSearch {
  channelId?: string | undefined
  alarmId?: string | undefined
  state?: 'waiting' | 'failing' | 'delivered' | 'given-up' | undefined
  since?: Date | undefined
  until?: Date | undefined
}

const states = {
  waiting: sql<boolean>`next_attempt_at is not null and error is null`,
  failing: sql<boolean>`next_attempt_at is not null and error is not null`,
  delivered: sql<boolean>`delivered_at is not null`,
  'given-up': sql<boolean>`next_attempt_at is null and delivered_at is null`,
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of the delivery log, newest first. */
export async function searchNotifications(
  { database }: { database: Database },
  { channelId, alarmId, state, since, until }: NotificationSearch,
  page: KeysetRequest,
): Promise<KeysetPage<Notification>> {
  let query = database.selectFrom('notifications').selectAll()
  if (channelId !== undefined) query = query.where('channel_id', '=', channelId)
  if (alarmId !== undefined) query = query.where('alarm_id', '=', alarmId)
  if (state !== undefined) query = query.where(states[state])
  if (since !== undefined) query = query.where('created_at', '>=', since)
  if (until !== undefined) query = query.where('created_at', '<', until)
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}

/** A notification by its id. */
export async function findNotification(
  { database }: { database: Database },
  id: string,
): Promise<Notification | undefined> {
  const row = await database.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** How many notifications wait, and how many of them failed at least once; and how many were given up within a day. */
export async function countNotifications({
  database,
}: {
  database: Database
}): Promise<{ pending: number; failing: number }> {
  const { rows } = await sql<{ pending: string; failing: string }>`
    select
      (select count(*) from notifications where next_attempt_at is not null) as pending,
      (select count(*) from notifications where next_attempt_at is not null and error is not null)
        + (select count(*) from notifications where ${states['given-up']} and created_at > now() - interval '2 days') as failing`.execute(
    database,
  )
  return { pending: Number(rows[0]?.pending ?? 0), failing: Number(rows[0]?.failing ?? 0) }
}

/** Deletes notifications of before an instant that are not to be delivered any more; the oldest first. Returns how many. */
export async function deleteNotificationsBefore(
  { database }: InTransaction,
  before: Date,
  limit: number,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from notifications where id in (
      select id from notifications where created_at < ${before} and next_attempt_at is null order by created_at limit ${limit}
    )`.execute(database)
  return Number(numAffectedRows)
}

function fromRow(row: Selectable<NotificationTable>): Notification {
  return {
    id: row.id,
    channelId: row.channel_id,
    alarmId: row.alarm_id ?? undefined,
    event: row.event as NotificationEvent,
    content: row.content as NotificationContent,
    createdAt: row.created_at,
    nextAttemptAt: row.next_attempt_at ?? undefined,
    attempts: row.attempts,
    error: row.error ?? undefined,
    deliveredAt: row.delivered_at ?? undefined,
  }
}
