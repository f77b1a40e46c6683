import { type Kysely, sql } from 'kysely'

/** All tables. */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of [
    ...resources,
    ...jobs,
    ...restorePoints,
    ...jobCounters,
    ...restorePointCounters,
    ...access,
  ]) {
    await sql.raw(statement).execute(database)
  }
}

const resources = [
  `create table agents (
    id text primary key,
    name text,
    url text not null,
    username text not null,
    sealed_password text,
    implicit boolean not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    reachable boolean,
    error text,
    agent_version text,
    capabilities jsonb not null default '[]',
    last_seen_at timestamptz,
    last_checked_at timestamptz,
    check_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,
  'create index agents_by_url on agents (url) where deleted_at is null',
  'create index agents_to_check on agents (check_at) where deleted_at is null',

  `create table service_instances (
    id text primary key,
    service_id text,
    plan_id text,
    organization_guid text,
    space_guid text,
    parameters jsonb not null,
    hosts jsonb not null,
    backup_host text not null,
    backup_port integer not null,
    database_username text,
    sealed_database_password text,
    backup_username text,
    sealed_backup_password text,
    agent_id text not null references agents,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,

  'create index service_instances_by_agent on service_instances (agent_id)',

  `create table file_destinations (
    id text primary key,
    instance_id text not null references service_instances,
    name text not null,
    store jsonb not null,
    sealed_store_secrets text,
    bandwidth_limit bigint,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,
  'create index file_destinations_by_instance on file_destinations (instance_id, created_at, id)',

  `create table backup_plans (
    id text primary key,
    instance_id text not null references service_instances,
    destination_id text not null references file_destinations,
    name text not null,
    paused boolean not null,
    compression boolean not null,
    compression_algorithm text not null default 'zstd',
    compression_level integer,
    frequency text not null,
    timezone text not null,
    retention_style text not null,
    retention_period integer not null,
    items jsonb not null,
    public_key text,
    sealed_private_key text,
    rpo_seconds integer,
    retries integer not null default 2,
    parallel_items integer not null default 1,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    next_due_at timestamptz,
    last_due_at timestamptz,
    next_run_at timestamptz,
    retention_due_at timestamptz not null default now(),
    retention_counts_from timestamptz,
    retry_at timestamptz,
    retry_of_job_id text,
    retry_number integer,
    constraint backup_plans_name_in_instance unique (instance_id, name)
  )`,
  'create index backup_plans_by_destination on backup_plans (destination_id)',
  'create index backup_plans_due on backup_plans (next_run_at) where next_run_at is not null',
  'create index backup_plans_to_retry on backup_plans (retry_at) where retry_at is not null',
  'create index backup_plans_by_retried_job on backup_plans (retry_of_job_id) where retry_of_job_id is not null',
  'create index backup_plans_by_retention on backup_plans (retention_due_at)',

  `create table plan_runs (
    id bigint primary key generated always as identity,
    plan_id text not null references backup_plans on delete cascade,
    due_at timestamptz not null,
    last_due_at timestamptz not null,
    runs integer not null,
    outcome text not null,
    late boolean not null,
    job_id text,
    reason text,
    decided_at timestamptz not null
  )`,
  'create index plan_runs_by_plan on plan_runs (plan_id, due_at, id)',
  'create index plan_runs_by_age on plan_runs (decided_at)',
  'create index plan_runs_by_job on plan_runs (job_id)',
]

const jobs = [
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
    parameters jsonb not null default '{}',
    sample_percent integer,
    due_at timestamptz,
    late boolean not null default false,
    parallel_items integer not null default 1,
    attempt integer not null default 1,
    first_attempt_id text,
    previous_attempt_id text,
    next_attempt_id text,
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
  'create index jobs_by_instance_and_time on jobs (instance_id, started_at, id)',
  'create index jobs_by_plan_and_time on jobs (plan_id, started_at, id)',
  'create index jobs_by_status_and_time on jobs (status, started_at, id)',
  'create index jobs_by_end on jobs (ended_at)',
  'create index jobs_by_first_attempt on jobs (first_attempt_id) where first_attempt_id is not null',
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
    primary key (job_id, position),
    check (reserved_at is null or (instance_id, agent_id, agent_url, host, port) is not null)
  )`,
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
    where p.ended_at is null and j.ended_at is null and j.kind <> 'verify'`,

  `create table idempotency_keys (
    caller_id text not null,
    key text not null,
    request_digest text not null,
    resource_id text not null,
    created_at timestamptz not null default now(),
    primary key (caller_id, key)
  )`,
  'create index idempotency_keys_by_age on idempotency_keys (created_at)',
]

const restorePoints = [
  `create table reconciliations (
    id text primary key,
    destination_id text not null references file_destinations,
    instance_id text not null references service_instances,
    state text not null,
    remove boolean not null,
    older_than_seconds integer,
    created_at timestamptz not null,
    began_at timestamptz,
    ended_at timestamptz,
    locked_by text,
    locked_until timestamptz,
    error text,
    found jsonb
  )`,
  `create unique index reconciliations_open on reconciliations (destination_id) where ended_at is null`,
  'create index reconciliations_by_age on reconciliations (ended_at)',

  // Every name that was ever given to an object, since no name is given twice.
  `create table object_names (
    prefix text not null,
    name text collate "C" not null,
    part_id text unique,
    given_at timestamptz not null default now(),
    primary key (prefix, name)
  )`,
  'create index object_names_by_age on object_names (given_at)',

  `create table restore_points (
    id text primary key,
    sequence bigint generated always as identity,
    job_id text not null,
    plan_id text not null,
    instance_id text not null references service_instances,
    destination_id text not null references file_destinations,
    item text not null,
    prefix text not null,
    filename text not null,
    size_bytes bigint not null,
    sha256 text,
    root text,
    object_tag text,
    object_modified_at timestamptz,
    original_size_bytes bigint,
    transformed_by text not null,
    compression_requested boolean not null,
    compression text not null,
    encrypted boolean not null,
    recipients text,
    taken_at timestamptz not null,
    after_failure boolean not null default false,
    warnings jsonb not null default '[]',
    held boolean not null default false,
    suspicious boolean not null,
    usual_size_bytes bigint,
    confirmed_at timestamptz,
    confirmed_by text,
    verified_at timestamptz,
    verified_state text,
    removal_requested_at timestamptz,
    removal_reason text,
    removal_attempts integer not null default 0,
    next_removal_at timestamptz,
    removal_error text,
    deleted_at timestamptz,
    constraint restore_points_one_per_part unique (job_id, item)
  )`,
  'create index restore_points_by_name on restore_points (destination_id, filename) where deleted_at is null',
  'create index restore_points_by_plan on restore_points (plan_id, sequence)',
  'create index restore_points_by_item on restore_points (instance_id, item, sequence)',
  // What protects an item: its newest entry is found without reading the others.
  `create index restore_points_good on restore_points (instance_id, item, sequence)
    where deleted_at is null and removal_requested_at is null and not after_failure and not suspicious
      and coalesce(verified_state, 'intact') = 'intact'`,
  'create index restore_points_by_instance on restore_points (instance_id, sequence)',
  'create index restore_points_by_sequence on restore_points (sequence) where deleted_at is null',
  `create index restore_points_to_remove on restore_points (next_removal_at)
    where removal_requested_at is not null and deleted_at is null`,
]

/**
 * How many jobs there are, by instance, kind, status and day, so that no list counts or skips a million rows. Triggers append
 * every change of `jobs` to `job_counter_changes`, which locks nothing; a maintenance task compacts them into `job_counters`.
 * A count is the sum of both.
 */
const jobCounters = [
  `create table job_counters (
    instance_id text not null,
    kind text not null,
    status text not null,
    day date not null,
    count bigint not null,
    primary key (instance_id, kind, day, status)
  )`,
  `create table job_counter_changes (
    id bigint primary key generated always as identity,
    instance_id text not null,
    kind text not null,
    status text not null,
    day date not null,
    delta bigint not null
  )`,
  'create index job_counter_changes_by_instance on job_counter_changes (instance_id, kind)',
  ...counterTrigger('insert', 'new table as added', 'select *, 1 as delta from added'),
  ...counterTrigger('delete', 'old table as removed', 'select *, -1 as delta from removed'),
  ...counterTrigger(
    'update',
    'old table as removed new table as added',
    'select *, -1 as delta from removed union all select *, 1 as delta from added',
  ),
]

function counterTrigger(event: string, tables: string, changed: string): string[] {
  return [
    `create function count_job_${event}() returns trigger language plpgsql as $$ begin
      insert into job_counter_changes (instance_id, kind, status, day, delta)
        select instance_id, kind, status, (started_at at time zone 'UTC')::date, sum(delta)
        from (${changed}) as changed group by 1, 2, 3, 4 having sum(delta) <> 0;
      return null;
    end $$`,
    `create trigger jobs_count_${event} after ${event} on jobs referencing ${tables}
      for each statement execute function count_job_${event}()`,
  ]
}

/**
 * How many restore points there are, by instance and item, and what they take, counted in the same way. Kept are those whose
 * object is not to be removed, stored are those whose object was not removed yet.
 */
const restorePointCounters = [
  `create table restore_point_counters (
    instance_id text not null,
    item text not null,
    kept bigint not null,
    stored bigint not null,
    stored_bytes bigint not null,
    primary key (instance_id, item)
  )`,
  `create table restore_point_counter_changes (
    id bigint primary key generated always as identity,
    instance_id text not null,
    item text not null,
    kept bigint not null,
    stored bigint not null,
    stored_bytes bigint not null
  )`,
  'create index restore_point_counter_changes_by_instance on restore_point_counter_changes (instance_id)',
  ...pointCounterTrigger('insert', 'new table as added', 'select *, 1 as delta from added'),
  ...pointCounterTrigger('delete', 'old table as removed', 'select *, -1 as delta from removed'),
  ...pointCounterTrigger(
    'update',
    'old table as removed new table as added',
    'select *, -1 as delta from removed union all select *, 1 as delta from added',
  ),
]

function pointCounterTrigger(event: string, tables: string, changed: string): string[] {
  return [
    `create function count_restore_point_${event}() returns trigger language plpgsql as $$ begin
      insert into restore_point_counter_changes (instance_id, item, kept, stored, stored_bytes)
        select * from (
          select instance_id, item,
            coalesce(sum(delta) filter (where deleted_at is null and removal_requested_at is null), 0) as kept,
            coalesce(sum(delta) filter (where deleted_at is null), 0) as stored,
            coalesce(sum(delta * size_bytes) filter (where deleted_at is null), 0) as stored_bytes
          from (${changed}) as changed group by instance_id, item
        ) as deltas where kept <> 0 or stored <> 0 or stored_bytes <> 0;
      return null;
    end $$`,
    `create trigger restore_points_count_${event} after ${event} on restore_points referencing ${tables}
      for each statement execute function count_restore_point_${event}()`,
  ]
}

const access = [
  `create table tokens (
    id text primary key,
    name text not null,
    hash text not null unique,
    role text not null,
    grants jsonb not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now()
  )`,

  `create table broker_accounts (
    name text primary key,
    password_hash text not null,
    grants jsonb not null,
    created_at timestamptz not null default now()
  )`,

  `create table audit_entries (
    id bigint primary key generated always as identity,
    at timestamptz not null,
    caller_kind text not null,
    caller_id text not null,
    caller_name text not null,
    address text not null,
    action text not null,
    path text not null,
    status integer not null,
    instance_id text
  )`,
  'create index audit_entries_by_instance on audit_entries (instance_id, id)',
  // Append-only, also for a mistake that is made with the manager's own database connection.
  `create function refuse_audit_change() returns trigger language plpgsql as
    $$ begin raise exception 'audit entries are append-only'; end $$`,
  `create trigger audit_entries_append_only before update or delete or truncate on audit_entries
    for each statement execute function refuse_audit_change()`,

  // What each boot of a host last observed of this server's clock.
  `create table clock_observations (
    boot_id text primary key,
    observed_at timestamptz not null,
    uptime_seconds double precision not null,
    steady_since timestamptz not null
  )`,

  // While one is not confirmed, nothing is deleted by age.
  `create table clock_jumps (
    id bigint primary key generated always as identity,
    detected_at timestamptz not null,
    jump_seconds double precision not null,
    confirmed_at timestamptz,
    confirmed_by text
  )`,

  // Facts about this database, such as which key its secrets are sealed with.
  `create table settings (
    name text primary key,
    value text not null
  )`,
]
