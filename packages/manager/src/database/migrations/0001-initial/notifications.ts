/** Whom to notify, and the outbox. */
export const notifications = [
  `create table notification_channels (
    id text primary key,
    name text not null,
    enabled boolean not null,
    transport jsonb not null,
    sealed_secrets text,
    rules jsonb not null,
    quiet_hours jsonb,
    summary jsonb,
    next_summary_at timestamptz,
    plan_id text,
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
    error text,
    delivered_at timestamptz
  )`,
  'create index notifications_due on notifications (next_attempt_at) where next_attempt_at is not null',
  'create index notifications_by_alarm on notifications (alarm_id, channel_id) where alarm_id is not null',
  'create index notifications_by_time on notifications (created_at, id)',

  `create function ping_channels() returns trigger language plpgsql as $$
    declare what text := case when new.ended_at is null then 'started' when new.status = 'SUCCEEDED' then 'succeeded' else 'failed' end;
    begin
      insert into notifications (channel_id, event, state_key, content, created_at, next_attempt_at)
      select id, what, id || ' ' || new.id || ' ' || what, jsonb_build_object('jobId', new.id, 'instanceId', new.instance_id,
        'planId', new.plan_id), clock_timestamp(), clock_timestamp()
      from notification_channels where plan_id = new.plan_id and enabled
      on conflict do nothing;
      return null;
    end $$`,
  `create trigger jobs_ping after update on jobs for each row
    when (new.kind = 'backup' and ((old.began_at is null and new.began_at is not null and new.ended_at is null)
      or (old.ended_at is null and new.ended_at is not null)))
    execute function ping_channels()`,
]
