import type {
  AgentFacts,
  DestinationFacts,
  ExpiryFacts,
  ItemFacts,
  LockFacts,
  OrphanFacts,
  PlanFacts,
  PolicyFailureFacts,
} from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { StoredCertificates } from './reports-repository.ts'

interface FactsContext {
  database: Database
}

/** What became of the last runs of every plan that is not paused and has something to tell. */
export async function planFacts({ database }: FactsContext): Promise<PlanFacts[]> {
  const { rows } = await sql<{
    id: string
    instance_id: string
    name: string
    overdue_since: Date | null
    missed_at: Date | null
    skipped: string | null
    failed_job_id: string | null
    failed_at: Date | null
  }>`
    select * from (
      select plan.id, plan.instance_id, plan.name,
        case when plan.next_run_at < now() then plan.next_run_at end as overdue_since,
        case when latest.outcome = 'MISSED' and not succeeded.since then latest.last_due_at end as missed_at,
        case when latest.outcome = 'SKIPPED' and not succeeded.since then skipped.runs end as skipped,
        case when is_failed then last.id end as failed_job_id,
        case when is_failed then last.ended_at end as failed_at
      from backup_plans plan
        left join lateral (
          select outcome, last_due_at, decided_at from plan_runs
          where plan_id = plan.id order by due_at desc, id desc limit 1
        ) latest on true
        left join lateral (
          select coalesce(sum(runs), 0) as runs from plan_runs
          where plan_id = plan.id and outcome = 'SKIPPED' and latest.outcome = 'SKIPPED' and due_at > coalesce((
            select due_at from plan_runs other where other.plan_id = plan.id and other.outcome <> 'SKIPPED'
            order by due_at desc limit 1
          ), '-infinity')
        ) skipped on true
        left join lateral (
          select id, status, started_at, ended_at, next_attempt_id from jobs
          where plan_id = plan.id and kind = 'backup' and ended_at is not null and cancelled_at is null
          order by started_at desc, id desc limit 1
        ) last on true
        cross join lateral (
          select coalesce(last.status = 'SUCCEEDED' and last.started_at > latest.decided_at, false) as since
        ) succeeded
        cross join lateral (
          select last.status = 'FAILED' and last.next_attempt_id is null
            and plan.retry_of_job_id is distinct from last.id as is_failed
        ) failed
      where not plan.paused
    ) facts
    where overdue_since is not null or missed_at is not null or skipped > 0 or failed_job_id is not null`.execute(
    database,
  )
  return rows.map((row) => ({
    planId: row.id,
    instanceId: row.instance_id,
    name: row.name,
    overdueSince: row.overdue_since ?? undefined,
    missedAt: row.missed_at ?? undefined,
    skippedRuns: Number(row.skipped ?? 0),
    failedJob:
      row.failed_job_id === null || row.failed_at === null
        ? undefined
        : { id: row.failed_job_id, endedAt: row.failed_at },
  }))
}

/** The databases that jobs have locked. */
export async function lockFacts({ database }: FactsContext): Promise<LockFacts[]> {
  const { rows } = await sql<LockFacts>`
    select jobs.instance_id as "instanceId", part.database, part.job_id as "jobId", part.locked_since as since,
      coalesce(part.unlock_attempts, 0) as "unlockAttempts", part.ended_at is not null as "hasEnded"
    from job_parts part join jobs on jobs.id = part.job_id
    where part.locked_since is not null`.execute(database)
  return rows
}

/** The agents that registered instances use. */
export async function agentFacts({ database }: FactsContext): Promise<AgentFacts[]> {
  const { rows } = await sql<{ [K in keyof AgentFacts]: AgentFacts[K] | null }>`
    select id, coalesce(name, url) as name, reachable as "isReachable", error, agent_version as version,
      start_problem as "startProblem", skew_seconds as "skewSeconds", disks, last_seen_at as "lastSeenAt"
    from agents where deleted_at is null
      and exists (select from instance_agents where agent_id = agents.id)`.execute(database)
  return rows.map(withoutNulls<AgentFacts>)
}

/** The destinations, and the removals that failed in them; retired ones only where removals fail. */
export async function destinationFacts({ database }: FactsContext): Promise<DestinationFacts[]> {
  const { rows } = await sql<{ [K in keyof DestinationFacts]: DestinationFacts[K] | null }>`
    select destination.id, destination.instance_id as "instanceId", destination.name,
      case when destination.deleted_at is null then checks.reachable else true end as "isReachable", checks.error,
      coalesce(removals.failing, 0)::integer as "failingRemovals", coalesce(removals.attempts, 0) as "removalAttempts"
    from file_destinations destination
      left join destination_checks checks on checks.destination_id = destination.id
      left join (
        select destination_id, count(*) as failing, max(removal_attempts) as attempts from restore_points
        where removal_requested_at is not null and deleted_at is null and removal_error is not null
        group by destination_id
      ) removals on removals.destination_id = destination.id
    where destination.deleted_at is null or removals.failing > 0`.execute(database)
  return rows.map(withoutNulls<DestinationFacts>)
}

/** The instances at service brokers that are to be deleted, and could not be so far. */
export async function orphanFacts({ database }: FactsContext): Promise<OrphanFacts[]> {
  const { rows } = await sql<OrphanFacts>`
    select instance.id, instance.source_instance_id as "instanceId", broker.name as "serviceBroker", instance.error,
      instance.attempts
    from provisioned_instances instance join service_brokers broker on broker.id = instance.service_broker_id
    where instance.ended_at is null and not instance.wanted and instance.error is not null`.execute(database)
  return rows
}

/** The certificates that destinations are to be trusted by. */
export async function destinationCertificates({ database }: FactsContext): Promise<StoredCertificates[]> {
  const { rows } = await sql<StoredCertificates & { instanceId: string }>`
    select destination.id, 'certificate of the destination ' || destination.name as name,
      destination.instance_id as "instanceId", checks.certificates_expire_at as expiries
    from destination_checks checks join file_destinations destination on destination.id = checks.destination_id
    where destination.deleted_at is null and checks.certificates_expire_at <> '{}'`.execute(database)
  return rows
}

/** The destinations whose credentials expire within a month, as far as their servers say. */
export async function destinationCredentials({ database }: FactsContext): Promise<ExpiryFacts[]> {
  const { rows } = await sql<ExpiryFacts & { instanceId: string }>`
    select destination.id, destination.name, destination.instance_id as "instanceId",
      checks.credentials_expire_at as "expiresAt"
    from destination_checks checks join file_destinations destination on destination.id = checks.destination_id
    where destination.deleted_at is null and checks.credentials_expire_at < now() + interval '1 month'`.execute(
    database,
  )
  return rows
}

/** The certificates of enrolled agents that expire within two weeks, in PEM. */
export async function agentCertificates({
  database,
}: FactsContext): Promise<(ExpiryFacts & { certificate: string })[]> {
  const { rows } = await sql<ExpiryFacts & { certificate: string }>`
    select 'agent ' || id as id, 'certificate of the agent ' || coalesce(name, url) as name, certificate,
      certificate_expires_at as "expiresAt"
    from agents where deleted_at is null and certificate is not null
      and certificate_expires_at < now() + interval '14 days'`.execute(database)
  return rows
}

/** Tokens that are in use and expire, or expired within the last week. */
export async function tokenFacts({ database }: FactsContext): Promise<ExpiryFacts[]> {
  const { rows } = await sql<ExpiryFacts>`
    select id, name, expires_at as "expiresAt" from tokens
    where expires_at > now() - interval '7 days' and last_used_at > now() - interval '30 days'`.execute(database)
  return rows
}

/** What restore points say of items besides their protection; items without such a point are left out. */
export async function pointFacts({ database }: FactsContext): Promise<Omit<ItemFacts, 'protection' | 'drill'>[]> {
  const { rows } = await sql<{
    instance_id: string
    item: string
    id: string | null
    size_bytes: string | null
    usual_size_bytes: string | null
    broken: string
  }>`
    with broken as (
      select instance_id, item, count(*) as broken from restore_points
      where verified_state <> 'intact' and deleted_at is null and removal_requested_at is null
      group by instance_id, item
    ), suspicious as (
      select distinct on (instance_id, item) instance_id, item, id, size_bytes, usual_size_bytes
      from restore_points point
      where suspicious and deleted_at is null and removal_requested_at is null and not exists (
        select from restore_points newer
        where newer.instance_id = point.instance_id and newer.item = point.item and newer.sequence > point.sequence
          and newer.deleted_at is null and not newer.after_failure and not newer.suspicious
      )
      order by instance_id, item, sequence desc
    )
    select instance_id, item, id, size_bytes, usual_size_bytes, coalesce(broken, 0) as broken
    from suspicious full join broken using (instance_id, item)`.execute(database)
  return rows.map((row) => ({
    instanceId: row.instance_id,
    item: row.item,
    suspiciousPoint:
      row.id === null
        ? undefined
        : {
            id: row.id,
            sizeBytes: Number(row.size_bytes),
            usualSizeBytes: row.usual_size_bytes === null ? undefined : Number(row.usual_size_bytes),
          },
    brokenPoints: Number(row.broken),
  }))
}

/** The registered instances that their policy could not be applied to. */
export async function policyFailures({ database }: FactsContext): Promise<PolicyFailureFacts[]> {
  const { rows } = await sql<PolicyFailureFacts>`
    select checks.instance_id as "instanceId", checks.error
    from policy_checks checks join service_instances instance on instance.id = checks.instance_id
    where checks.error is not null and instance.deleted_at is null`.execute(database)
  return rows
}

/** The size of this database. */
export async function databaseSize({ database }: FactsContext): Promise<number> {
  const { rows } = await sql<{ size: string }>`select pg_database_size(current_database()) as size`.execute(database)
  return Number(rows[0]?.size ?? 0)
}

function withoutNulls<T>(row: { [K in keyof T]: T[K] | null }): T {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as T
}
