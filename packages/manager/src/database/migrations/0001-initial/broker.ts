/** The service broker of the manager itself: what platforms provisioned and bound over `/v2`. */
export const broker = [
  `create table broker_instances (
    id text primary key,
    account text not null,
    service_id text not null,
    plan_id text not null,
    organization_guid text not null,
    space_guid text not null,
    context jsonb not null,
    parameters jsonb not null,
    protected_instance_id text not null references service_instances,
    backup_plan_id text not null,
    state text not null check (state in ('ready', 'deprovisioning')),
    operation jsonb,
    created_at timestamptz not null default now()
  )`,
  'create index broker_instances_by_protected on broker_instances (protected_instance_id)',
  "create index broker_instances_in_progress on broker_instances (id) where state = 'deprovisioning'",

  `create table broker_bindings (
    id text primary key,
    broker_instance_id text not null references broker_instances on delete cascade,
    service_id text not null,
    plan_id text not null,
    bind_resource jsonb not null,
    parameters jsonb not null,
    predecessor_id text,
    token_id text not null,
    sealed_token text,
    expires_at timestamptz,
    created_at timestamptz not null default now()
  )`,
  'create index broker_bindings_by_instance on broker_bindings (broker_instance_id)',

  // Files of backup plans that were deleted with their service instance, until they are deleted too.
  `create table kept_files (
    plan_id text primary key,
    instance_id text not null references service_instances,
    delete_at timestamptz not null
  )`,
  'create index kept_files_due on kept_files (delete_at)',
]
