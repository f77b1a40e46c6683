import { type Selectable, sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import { contains } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { NotificationChannelTable } from '../database/tables/notifications.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Channel } from './channel.ts'
import { joinSecrets, splitSecrets } from './transport-secrets.ts'

/** How long a channel rests after a delivery has failed. */
export const PAUSE_SECONDS = 30

const purposeFor = (id: string) => purposeOf('notification_channels', 'sealed_secrets', id)

function fromRow({ sealer }: RepositoryContext, row: Selectable<NotificationChannelTable>): Channel {
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    label: row.label ?? undefined,
    enabled: row.enabled,
    transport: joinSecrets(row.transport, sealer.openOptional(row.sealed_secrets, purposeFor(row.id))),
    rules: row.rules as Channel['rules'],
    quietHours: row.quiet_hours ?? undefined,
    summary: row.summary ?? undefined,
    createdAt: row.created_at,
  }
}

function toColumns({ sealer }: RepositoryContext, channel: Channel, nextSummaryAt: Date | undefined) {
  const { open, secrets } = splitSecrets(channel.transport)
  return {
    name: channel.name,
    label: channel.label ?? null,
    enabled: channel.enabled,
    transport: JSON.stringify(open),
    sealed_secrets: sealer.sealOptional(secrets, purposeFor(channel.id)),
    rules: JSON.stringify(channel.rules),
    quiet_hours: channel.quietHours === undefined ? null : JSON.stringify(channel.quietHours),
    summary: channel.summary === undefined ? null : JSON.stringify(channel.summary),
    next_summary_at: nextSummaryAt ?? null,
    plan_id: channel.transport.kind === 'healthchecks' ? channel.transport.planId : null,
    paused_until: null,
  }
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of the channels whose name contains a text, newest first. */
export async function searchChannels(
  context: RepositoryContext,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<Channel>> {
  let query = context.database.selectFrom('notification_channels').selectAll()
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

export async function findChannel(context: RepositoryContext, id: string): Promise<Channel | undefined> {
  const row = await context.database
    .selectFrom('notification_channels')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row && fromRow(context, row)
}

/** Channels by id. */
export async function channelsById(context: RepositoryContext, ids: readonly string[]): Promise<Map<string, Channel>> {
  const rows = await context.database
    .selectFrom('notification_channels')
    .selectAll()
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .execute()
  return new Map(rows.map((row) => [row.id, fromRow(context, row)]))
}

/** What decides whether a channel notifies of an alarm; its secrets stay sealed. */
export type ChannelRules = Pick<Channel, 'id' | 'rules' | 'quietHours'>

/** The channels that notify of alarms. */
export async function channelRules({ database }: { database: Database }): Promise<ChannelRules[]> {
  const rows = await database
    .selectFrom('notification_channels')
    .select(['id', 'rules', 'quiet_hours'])
    .where('enabled', '=', true)
    .where('plan_id', 'is', null)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    rules: row.rules as Channel['rules'],
    quietHours: row.quiet_hours ?? undefined,
  }))
}

/** Stores a new channel. */
export async function insertChannel(
  context: RepositoryContext,
  channel: Channel,
  nextSummaryAt: Date | undefined,
): Promise<void> {
  await context.database
    .insertInto('notification_channels')
    .values({ id: channel.id, created_at: channel.createdAt, ...toColumns(context, channel, nextSummaryAt) })
    .execute()
}

/** Replaces a channel. Returns the new version; undefined if another one than `channel.version` is stored. */
export async function updateChannel(
  context: RepositoryContext,
  channel: Channel,
  nextSummaryAt: Date | undefined,
): Promise<number | undefined> {
  const row = await context.database
    .updateTable('notification_channels')
    .set({ ...toColumns(context, channel, nextSummaryAt), version: sql`version + 1` })
    .where('id', '=', channel.id)
    .where('version', '=', channel.version)
    .returning('version')
    .executeTakeFirst()
  return row?.version
}

/** Deletes a channel with its notifications. Returns false if there is none. */
export async function deleteChannel({ database }: { database: Database }, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('notification_channels').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** Lets a channel rest, whose server does not take messages at the moment. */
export async function pauseChannel({ database }: { database: Database }, id: string): Promise<void> {
  await database
    .updateTable('notification_channels')
    .set({ paused_until: sql<Date>`now() + make_interval(secs => ${PAUSE_SECONDS})` })
    .where('id', '=', id)
    .execute()
}

/** Ends the pause of a channel that delivers again. */
export async function resumeChannel({ database }: { database: Database }, id: string): Promise<void> {
  await database
    .updateTable('notification_channels')
    .set({ paused_until: null })
    .where('id', '=', id)
    .where('paused_until', 'is not', null)
    .execute()
}

/** Channels whose summary is due, locked until the transaction ends. */
export async function lockDueSummaries(context: RepositoryContext, now: Date): Promise<Channel[]> {
  const rows = await context.database
    .selectFrom('notification_channels')
    .selectAll()
    .where('enabled', '=', true)
    .where('next_summary_at', '<=', now)
    .forUpdate()
    .skipLocked()
    .execute()
  return rows.map((row) => fromRow(context, row))
}

/** Sets when the next summary of a channel is due. */
export async function setNextSummary(
  { database }: { database: Database },
  id: string,
  at: Date | undefined,
): Promise<void> {
  await database
    .updateTable('notification_channels')
    .set({ next_summary_at: at ?? null })
    .where('id', '=', id)
    .execute()
}

/** The organization and the space of service instances. */
export async function tenantsOf(
  { database }: { database: Database },
  instanceIds: readonly string[],
): Promise<Map<string, { organizationGuid: string | undefined; spaceGuid: string | undefined }>> {
  const rows = await database
    .selectFrom('service_instances')
    .select(['id', 'organization_guid', 'space_guid'])
    .where('id', '=', sql<string>`any(${[...instanceIds]}::text[])`)
    .execute()
  return new Map(
    rows.map((row) => [
      row.id,
      { organizationGuid: row.organization_guid ?? undefined, spaceGuid: row.space_guid ?? undefined },
    ]),
  )
}
