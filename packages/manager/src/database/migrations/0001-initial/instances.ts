/** Agents, service instances and their destinations. */
export const instances = [
  `create table agents (
    id text primary key,
    name text,
    label text,
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
    packs jsonb not null default '[]',
    start_problem text,
    skew_seconds integer,
    disks jsonb not null default '[]',
    last_seen_at timestamptz,
    last_checked_at timestamptz,
    check_at timestamptz not null default now(),
    enrolment_token_hash text unique,
    enrolment_expires_at timestamptz,
    enrolment_used_at timestamptz,
    certificate text,
    next_certificate text,
    certificate_expires_at timestamptz,
    deleted_at timestamptz
  )`,
  'create index agents_by_url on agents (url) where deleted_at is null',
  'create index agents_by_time on agents (created_at, id) where deleted_at is null',
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
    pack text,
    label text,
    drill_target boolean not null default false,
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
    deprovisioned_at timestamptz,
    deleted_at timestamptz
  )`,

  'create index service_instances_by_time on service_instances (created_at, id) where deleted_at is null',
  'create index service_instances_by_agent on service_instances (agent_id)',
  // Of clusters: the agents on the other nodes, in the order of preference, and the host that each works on.
  `create table other_agents (
    instance_id text not null references service_instances,
    position integer not null,
    agent_id text not null references agents,
    host_name text,
    host text not null,
    port integer not null,
    primary key (instance_id, position)
  )`,
  'create index other_agents_by_agent on other_agents (agent_id)',

  // Every agent of every registered instance, with the host that it works on there.
  `create view instance_agents as
    select id as instance_id, agent_id, backup_host as host, backup_port as port
    from service_instances where deleted_at is null
    union all
    select other.instance_id, other.agent_id, other.host, other.port
    from other_agents other join service_instances i on i.id = other.instance_id where i.deleted_at is null`,

  'create index service_instances_by_broker on service_instances (registered_by) where registered_by is not null',

  `create table file_destinations (
    id text primary key,
    instance_id text not null references service_instances,
    name text not null,
    label text,
    store jsonb not null,
    sealed_store_secrets text,
    bandwidth_limit bigint,
    quota_bytes bigint,
    managed_by text,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,
  'create index file_destinations_by_time on file_destinations (created_at, id) where deleted_at is null',
  'create index file_destinations_by_instance on file_destinations (instance_id, created_at, id)',
  `create unique index file_destinations_managed on file_destinations (instance_id, managed_by)
    where managed_by is not null and deleted_at is null`,
]
