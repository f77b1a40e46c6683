import type { AlarmKind, AlarmSeverity } from '@osb-backup/protocol'
import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { contains, isGranted } from '../database/conditions.ts'
import { notifyAlarmChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { AlarmTable } from '../database/tables/alarms.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Alarm, StoredAlarmState } from './alarm.ts'

/** Any fixed number: one evaluation at a time is stored. */
const EVALUATION_LOCK = 4_711_208_023
/** Rows of one statement; PostgreSQL limits its parameters. */
const BATCH_SIZE = 1000

/** Keeps other evaluations from being stored until the transaction ends. Returns false if one is. */
export async function lockEvaluation({ database }: InTransaction): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${EVALUATION_LOCK}) as locked`.execute(database)
  return rows[0]?.locked === true
}

/** The alarms that are open, and those that may be about to be raised. */
export async function openStates({ database }: { database: Database }): Promise<StoredAlarmState[]> {
  const rows = await database.selectFrom('alarms').selectAll().where('until', 'is', null).execute()
  return rows.map((row) => ({
    ...commonOf(row),
    isRaised: row.since !== null,
    badCount: row.bad_count,
    goodCount: row.good_count,
    since: row.since ?? undefined,
  }))
}

/** Stores new states and changed ones. Those that were raised just now begin at `now`. */
export async function upsertStates(
  { database }: InTransaction,
  states: readonly StoredAlarmState[],
  now: Date,
): Promise<void> {
  for (let start = 0; start < states.length; start += BATCH_SIZE) {
    const rows = states.slice(start, start + BATCH_SIZE).map((state) => toRow(state, now))
    await database
      .insertInto('alarms')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(({ ref }) => ({
          severity: ref('excluded.severity'),
          object_name: ref('excluded.object_name'),
          sentence: ref('excluded.sentence'),
          advice: ref('excluded.advice'),
          bad_count: ref('excluded.bad_count'),
          good_count: ref('excluded.good_count'),
          since: sql<Date | null>`coalesce(alarms.since, excluded.since)`,
        })),
      )
      .execute()
  }
}

/** Ends alarms. */
export async function resolveAlarms({ database }: InTransaction, ids: readonly string[], now: Date): Promise<void> {
  await database.updateTable('alarms').set({ until: now }).where('id', '=', anyOf(ids)).execute()
}

/** Deletes states that were not raised. */
export async function deleteStates({ database }: InTransaction, ids: readonly string[]): Promise<void> {
  await database.deleteFrom('alarms').where('id', '=', anyOf(ids)).where('since', 'is', null).execute()
}

/** Notifies all managers of alarms that were raised, resolved or acknowledged, once the transaction is committed. */
export async function notifyAlarms(tx: InTransaction, ids: readonly string[]): Promise<void> {
  for (const id of ids) await notifyAlarmChange(tx, id)
}

/** Deletes alarms that were resolved before an instant, the oldest first. Returns how many. */
export async function deleteAlarmsBefore({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from alarms where id in (select id from alarms where until < ${before} order by until limit ${limit})`.execute(
    database,
  )
  return Number(numAffectedRows)
}

const anyOf = (ids: readonly string[]) => sql<string>`any(${[...ids]}::text[])`

/** What a list of alarms is filtered by. */
export interface AlarmSearch {
  /** Alarms of these instances, and of the agents that they use; those of the installation only with `all`. */
  scope: Grants
  isOpen?: boolean | undefined
  isAcknowledged?: boolean | undefined
  kind?: AlarmKind | undefined
  severity?: AlarmSeverity | undefined
  planId?: string | undefined
  /** Of when they were raised. */
  since?: Date | undefined
  until?: Date | undefined
  /** In the sentence or the name of the object. */
  text?: string | undefined
}

const key = [
  { name: 'since', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of alarms that were raised, newest first. */
export async function searchAlarms(
  { database }: { database: Database },
  { scope, isOpen, isAcknowledged, kind, severity, planId, since, until, text }: AlarmSearch,
  page: KeysetRequest,
): Promise<KeysetPage<Alarm>> {
  let query = database.selectFrom('alarms').selectAll().where('since', 'is not', null).where(isVisible(scope))
  if (isOpen !== undefined) query = query.where('until', isOpen ? 'is' : 'is not', null)
  if (isAcknowledged !== undefined) query = query.where('acknowledged_at', isAcknowledged ? 'is not' : 'is', null)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (severity !== undefined) query = query.where('severity', '=', severity)
  if (planId !== undefined) query = query.where('plan_id', '=', planId)
  if (since !== undefined) query = query.where('since', '>=', since)
  if (until !== undefined) query = query.where('since', '<', until)
  if (text !== undefined)
    query = query.where(({ or }) => or([contains('sentence', text), contains('object_name', text)]))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.flatMap(toAlarm), ...rest }
}

/** The alarms that are open. */
export async function openAlarms({ database }: { database: Database }): Promise<Alarm[]> {
  const rows = await database
    .selectFrom('alarms')
    .selectAll()
    .where('until', 'is', null)
    .where('since', 'is not', null)
    .orderBy('since')
    .execute()
  return rows.flatMap(toAlarm)
}

/** An alarm that was raised and is in the scope. */
export async function findAlarm(
  { database }: { database: Database },
  id: string,
  scope: Grants,
): Promise<Alarm | undefined> {
  const row = await database
    .selectFrom('alarms')
    .selectAll()
    .where('id', '=', id)
    .where('since', 'is not', null)
    .where(isVisible(scope))
    .executeTakeFirst()
  return row && toAlarm(row)[0]
}

/** Records that somebody knows of an alarm, unless somebody did before. */
export async function setAcknowledged({ database }: InTransaction, id: string, at: Date, by: string): Promise<void> {
  await database
    .updateTable('alarms')
    .set({ acknowledged_at: at, acknowledged_by: by })
    .where('id', '=', id)
    .where('acknowledged_at', 'is', null)
    .execute()
}

function isVisible(scope: Grants): RawBuilder<boolean> {
  if (scope === 'all') return sql<boolean>`true`
  return sql<boolean>`(${isGranted('alarms.instance_id', scope)} or object_kind = 'agent' and exists (
    select from instance_agents used where used.agent_id = object_id and ${isGranted('used.instance_id', scope)}))`
}

function commonOf(row: Selectable<AlarmTable>) {
  return {
    id: row.id,
    kind: row.kind,
    severity: row.severity,
    object: { kind: row.object_kind, id: row.object_id, name: row.object_name },
    instanceId: row.instance_id ?? undefined,
    planId: row.plan_id ?? undefined,
    sentence: row.sentence,
    advice: row.advice,
  }
}

function toAlarm(row: Selectable<AlarmTable>): Alarm[] {
  const { since, until, acknowledged_at: at, acknowledged_by: by } = row
  if (since === null) return []
  const acknowledgement = at === null ? undefined : { at, by: by ?? '' }
  return [{ ...commonOf(row), since, until: until ?? undefined, acknowledgement }]
}

function toRow(state: StoredAlarmState, now: Date) {
  return {
    id: state.id,
    kind: state.kind,
    severity: state.severity,
    object_kind: state.object.kind,
    object_id: state.object.id,
    object_name: state.object.name,
    instance_id: state.instanceId ?? null,
    plan_id: state.planId ?? null,
    sentence: state.sentence,
    advice: state.advice,
    bad_count: state.badCount,
    good_count: state.goodCount,
    since: state.isRaised ? now : null,
    until: null,
    acknowledged_at: null,
    acknowledged_by: null,
  }
}
