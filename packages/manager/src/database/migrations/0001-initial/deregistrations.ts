/** Service instances whose brokers deprovision them, while that takes a while. */
export const deregistrations = [
  `create table deregistrations (
    instance_id text primary key references service_instances,
    id text not null,
    state text not null check (state in ('running', 'failed')),
    reason text,
    last_backup boolean not null,
    keep_files_days integer,
    job_ids jsonb not null default '{}',
    requested_at timestamptz not null
  )`,
]
