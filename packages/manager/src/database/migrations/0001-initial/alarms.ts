/** Alarms, and what they are decided from besides other resources. */
export const alarms = [
  // Work that one manager does at a time for all: when it is due next.
  `create table shared_tasks (
    name text primary key,
    due_at timestamptz not null
  )`,

  // What each manager last reported of itself. One that is stopped deletes its row.
  `create table manager_reports (
    id text primary key,
    name text not null,
    version text not null,
    reported_at timestamptz not null,
    skew_seconds integer,
    disk_free_bytes bigint,
    disk_size_bytes bigint,
    certificates jsonb not null default '[]'
  )`,

  // Until it has a \`since\`, an alarm was not raised.
  `create table alarms (
    id text primary key,
    kind text not null,
    severity text not null,
    object_kind text not null,
    object_id text not null,
    object_name text not null,
    instance_id text,
    plan_id text,
    sentence text not null,
    advice text not null,
    bad_count integer not null,
    good_count integer not null,
    since timestamptz,
    until timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text
  )`,
  'create unique index alarms_open on alarms (kind, object_kind, object_id) where until is null',
  'create index alarms_by_time on alarms (since, id) where since is not null',
  'create index alarms_by_instance on alarms (instance_id, since, id) where since is not null',
  'create index alarms_by_end on alarms (until) where until is not null',

  // Few restore points raise an alarm, however many there are.
  `create index restore_points_suspicious on restore_points (instance_id, item, sequence)
    where suspicious and deleted_at is null and removal_requested_at is null`,
  `create index restore_points_broken on restore_points (instance_id, item)
    where verified_state <> 'intact' and deleted_at is null and removal_requested_at is null`,

  `create table destination_checks (
    destination_id text primary key references file_destinations,
    reachable boolean,
    error text,
    checked_at timestamptz,
    certificates_expire_at timestamptz[] not null default '{}',
    credentials_expire_at timestamptz,
    check_at timestamptz not null
  )`,
  'create index destination_checks_due on destination_checks (check_at)',
]
