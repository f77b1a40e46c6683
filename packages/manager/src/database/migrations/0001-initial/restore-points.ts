/** Restore points, the names of their objects, and reconciliations. */
export const restorePoints = [
  `create table reconciliations (
    id text primary key,
    destination_id text not null references file_destinations,
    instance_id text not null references service_instances,
    state text not null,
    remove boolean not null,
    adopt boolean not null,
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

  // Every name that an object ever had, since no name is reused.
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
    object_locked_until timestamptz,
    deleted_at timestamptz,
    constraint restore_points_one_per_part unique (job_id, item)
  )`,
  'create index restore_points_by_name on restore_points (destination_id, filename) where deleted_at is null',
  'create index restore_points_by_plan on restore_points (plan_id, sequence)',
  'create index restore_points_by_item on restore_points (instance_id, item, sequence)',
  // What protects an item: its newest entry is found without reading the others, nor the table.
  `create index restore_points_good on restore_points (instance_id, item, sequence) include (taken_at)
    where deleted_at is null and removal_requested_at is null and not after_failure and not suspicious
      and coalesce(verified_state, 'intact') = 'intact'`,
  'create index restore_points_by_instance on restore_points (instance_id, sequence)',
  'create index restore_points_by_sequence on restore_points (sequence) where deleted_at is null',
  'create index restore_points_by_deletion on restore_points (deleted_at, id) where deleted_at is not null',
  `create index restore_points_to_remove on restore_points (next_removal_at)
    where removal_requested_at is not null and deleted_at is null`,
]
