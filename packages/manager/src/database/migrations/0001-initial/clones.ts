/** Copies of the data of instances. */
export const clones = [
  `create table clones (
    id text primary key,
    source_instance_id text not null references service_instances,
    item text not null,
    restore_point_id text not null,
    target_kind text not null,
    sealed_target text,
    sealed_private_key text,
    masked boolean not null,
    sealed_mask text,
    state text not null,
    target_instance_id text,
    database text,
    restore_job_id text unique,
    failure text,
    cancelled_by text,
    created_at timestamptz not null,
    ended_at timestamptz
  )`,
  'create index clones_by_time on clones (created_at, id)',
  'create index clones_open on clones (created_at) where ended_at is null',
  'create index clones_ended on clones (ended_at) where ended_at is not null',
]
