/** Agents, service instances and their destinations. */
export const instances = [
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
    sealed_parameters text,
    secret_parameters jsonb not null default '[]',
    items jsonb,
    hosts jsonb not null,
    backup_host text not null,
    backup_port integer not null,
    database_username text,
    sealed_database_password text,
    backup_username text,
    sealed_backup_password text,
    agent_id text not null references agents,
    registered_by text,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,

  'create index service_instances_by_agent on service_instances (agent_id)',
  'create index service_instances_by_broker on service_instances (registered_by) where registered_by is not null',

  `create table file_destinations (
    id text primary key,
    instance_id text not null references service_instances,
    name text not null,
    store jsonb not null,
    sealed_store_secrets text,
    bandwidth_limit bigint,
    quota_bytes bigint,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,
  'create index file_destinations_by_instance on file_destinations (instance_id, created_at, id)',
]
