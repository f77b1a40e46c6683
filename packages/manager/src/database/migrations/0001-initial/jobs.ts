/** Jobs, their parts, and the managers that run them. */
export const jobs = [
  `create table managers (
    id text primary key,
    heartbeat_at timestamptz not null default now()
  )`,

  `create table jobs (
    id text primary key,
    queue_number bigint generated always as identity,
    kind text not null,
    status text not null,
    instance_id text not null references service_instances,
    plan_id text not null,
    destination_id text not null references file_destinations,
    source_job_id text,
    compression boolean,
    compression_algorithm text,
    compression_level integer,
    public_key text,
    sealed_private_key text,
    sealed_parameters text,
    sample_percent integer,
    drill_job_id text,
    due_at timestamptz,
    late boolean not null default false,
    parallel_items integer not null default 1,
    attempt integer not null default 1,
    first_attempt_id text,
    previous_attempt_id text,
    next_attempt_id text,
    traceparent text,
    started_at timestamptz not null,
    ended_at timestamptz,
    locked_by text,
    began_at timestamptz,
    cancelled_at timestamptz,
    cancelled_by text
  )`,
  'create index jobs_by_instance on jobs (instance_id, kind, started_at, id)',
  'create index jobs_by_instance_and_status on jobs (instance_id, kind, status, started_at, id)',
  // The lists of /v1 begin anywhere in the order of time.
  'create index jobs_by_time on jobs (started_at, id)',
  'create index jobs_by_kind_and_time on jobs (kind, started_at, id)',
  'create index jobs_cancelled on jobs (started_at, id) where cancelled_at is not null',
  'create index jobs_by_instance_and_time on jobs (instance_id, started_at, id)',
  'create index jobs_by_plan_and_time on jobs (plan_id, started_at, id)',
  'create index jobs_by_status_and_time on jobs (status, started_at, id)',
  'create index jobs_by_end on jobs (ended_at, id)',
  'create index jobs_by_first_attempt on jobs (first_attempt_id) where first_attempt_id is not null',
  'create index jobs_by_drill on jobs (drill_job_id) where drill_job_id is not null',
  // Few jobs are open at any time, however many there were.
  'create index jobs_open on jobs (started_at, id) where ended_at is null',
  'create index jobs_open_of_plan on jobs (plan_id) where ended_at is null',

  `create table job_parts (
    job_id text not null references jobs on delete cascade,
    position integer not null,
    item text not null,
    database text not null,
    status text not null,
    restore_point_id text,
    filename_prefix text,
    filename text,
    may_have_started boolean not null default false,
    accepted boolean not null default false,
    agent_status jsonb,
    bytes_read bigint,
    verified_state text,
    error text,
    failure_code text,
    ended_at timestamptz,
    reserved_at timestamptz,
    instance_id text,
    agent_id text,
    agent_url text,
    host text,
    port integer,
    unreachable_since timestamptz,
    busy_since timestamptz,
    check_at timestamptz,
    locked_since timestamptz,
    unlock_attempts integer,
    logs_deleted boolean not null default false,
    primary key (job_id, position),
    check (reserved_at is null or (instance_id, agent_id, agent_url, host, port) is not null)
  )`,
  'create index job_parts_with_logs on job_parts (ended_at) where ended_at is not null and not logs_deleted',
  'create index job_parts_locked on job_parts (locked_since) where locked_since is not null',
  'create index job_parts_open on job_parts (database) where ended_at is null',
  "create index job_parts_unknown on job_parts (check_at) where status = 'UNKNOWN' and ended_at is null",
  // At most one part works on a database: the reservation of a part lasts until it has ended, however it ends. Agents are
  // identified by their id and by their URL, since either may change, or be registered twice, while a part runs.
  ...['instance_id', 'agent_id, host, port', 'agent_url, host, port'].map(
    (columns, index) => `create unique index job_parts_reservation_${index + 1} on job_parts (${columns}, database)
      where reserved_at is not null and ended_at is null`,
  ),

  // The parts of backups and restores that have not ended, each with the database that it has reserved, or is going to.
  `create view open_parts as
    select p.job_id, p.position, p.database, p.status, p.reserved_at, p.reserved_at is not null as reserved,
      j.kind, j.queue_number, j.instance_id,
      coalesce(p.agent_id, i.agent_id) as agent_id,
      coalesce(p.agent_url, rtrim(lower(a.url), '/')) as agent_url,
      coalesce(p.host, i.backup_host) as host,
      coalesce(p.port, i.backup_port) as port
    from job_parts p
      join jobs j on j.id = p.job_id
      join service_instances i on i.id = j.instance_id
      join agents a on a.id = i.agent_id
    where p.ended_at is null and j.ended_at is null and j.kind in ('backup', 'restore')`,
]
