/** Whom to notify, and the outbox. */
export const notifications = [
  `create table notification_channels (
    id text primary key,
    name text not null,
    label text,
    enabled boolean not null,
    transport jsonb not null,
    sealed_secrets text,
    rules jsonb not null,
    quiet_hours jsonb,
    summary jsonb,
    next_summary_at timestamptz,
    plan_id text,
    paused_until timestamptz,
    version integer not null default 1,
    created_at timestamptz not null
  )`,
  'create index notification_channels_by_plan on notification_channels (plan_id) where plan_id is not null',

  // Written in the transaction of what happened; each state is written once for each channel.
  `create table notifications (
    id text primary key default gen_random_uuid(),
    sequence bigint generated always as identity,
    channel_id text not null references notification_channels on delete cascade,
    alarm_id text,
    event text not null,
    state_key text not null unique,
    content jsonb not null,
    created_at timestamptz not null,
    next_attempt_at timestamptz,
    attempts integer not null default 0,
    locked_until timestamptz,
    error text,
    delivered_at timestamptz
  )`,
  'create index notifications_due on notifications (next_attempt_at) where next_attempt_at is not null',
  'create index notifications_waiting on notifications (channel_id, sequence) where next_attempt_at is not null',
  'create index notifications_by_alarm on notifications (alarm_id, channel_id) where alarm_id is not null',
  'create index notifications_by_time on notifications (created_at, id)',

  `create function enqueue_pings(of_job_id text, what text) returns void language sql as $$
    insert into notifications (channel_id, event, state_key, content, created_at, next_attempt_at)
    select channel.id, what, channel.id || ' ' || job.id || ' ' || what, jsonb_build_object('jobId', job.id,
      'instanceId', job.instance_id, 'planId', job.plan_id), clock_timestamp(), clock_timestamp()
    from jobs job join notification_channels channel on channel.plan_id = job.plan_id and channel.enabled
    where job.id = of_job_id
    on conflict do nothing
  $$`,
  // Deferred: at the end of the transaction it is known whether another attempt follows. Until then the run has not failed.
  `create function ping_channels() returns trigger language plpgsql as $$
    declare what text := case when new.ended_at is null then 'started' when new.status = 'SUCCEEDED' then 'succeeded' else 'failed' end;
    begin
      if what <> 'failed' or not exists (select from backup_plans where id = new.plan_id and retry_of_job_id = new.id) then
        perform enqueue_pings(new.id, what);
      end if;
      return null;
    end $$`,
  `create constraint trigger jobs_ping after update on jobs deferrable initially deferred for each row
    when (new.kind = 'backup' and ((old.began_at is null and new.began_at is not null and new.ended_at is null)
      or (old.ended_at is null and new.ended_at is not null)))
    execute function ping_channels()`,
  // An attempt that was cancelled instead of started: the run has failed.
  `create function ping_dropped_retry() returns trigger language plpgsql as $$
    begin
      if not exists (select from jobs where plan_id = new.id and kind = 'backup' and ended_at is null)
        and not exists (select from backup_plans where id = new.id and retry_of_job_id is not null) then
        perform enqueue_pings(old.retry_of_job_id, 'failed');
      end if;
      return null;
    end $$`,
  `create constraint trigger backup_plans_ping after update on backup_plans deferrable initially deferred for each row
    when (old.retry_of_job_id is not null and new.retry_of_job_id is null) execute function ping_dropped_retry()`,
]
