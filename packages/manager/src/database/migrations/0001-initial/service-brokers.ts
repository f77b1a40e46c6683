/** Service brokers that the manager is a client of, and the instances that it provisioned through them. */
export const serviceBrokers = [
  `create table service_brokers (
    id text primary key,
    name text not null,
    url text not null,
    username text not null,
    sealed_password text,
    ca_certificate text,
    services jsonb,
    max_instances integer not null,
    request_timeout_seconds integer not null,
    operation_timeout_seconds integer not null,
    registers_instances boolean not null,
    agent_id text references agents,
    organization_guid text,
    space_guid text,
    version integer not null default 1,
    created_at timestamptz not null
  )`,

  // A row is stored before anything is requested of the broker, and ends once the broker has confirmed that nothing exists.
  `create table provisioned_instances (
    id text primary key,
    service_broker_id text not null references service_brokers on delete cascade,
    purpose text not null,
    job_id text,
    source_instance_id text not null references service_instances,
    service_id text not null,
    plan_id text not null,
    bindable boolean not null,
    maximum_polling_seconds integer,
    sealed_parameters text,
    requested_by text,
    wanted boolean not null default true,
    instance_state text not null default 'absent',
    binding_state text not null default 'absent',
    binding_id text,
    bindings integer not null default 0,
    operation text,
    step_ends_at timestamptz,
    sealed_credentials text,
    dashboard_url text,
    registered boolean not null default false,
    released boolean not null default false,
    failure text,
    error text,
    attempts integer not null default 0,
    next_step_at timestamptz,
    locked_by text,
    locked_until timestamptz,
    created_at timestamptz not null,
    ended_at timestamptz
  )`,
  'create unique index provisioned_instances_by_job on provisioned_instances (job_id)',
  'create index provisioned_instances_by_time on provisioned_instances (created_at, id)',
  'create index provisioned_instances_open on provisioned_instances (service_broker_id) where ended_at is null',
  'create index provisioned_instances_due on provisioned_instances (next_step_at) where next_step_at is not null',
  'create index provisioned_instances_ended on provisioned_instances (ended_at) where ended_at is not null',

  // An instance of a drill is a drill target as soon as it is registered, by the manager or by its broker: no policy backs it up.
  `create function mark_provisioned_drill_target() returns trigger language plpgsql as $$ begin
    if new.deleted_at is null and exists (select from provisioned_instances where id = new.id and purpose = 'drill') then
      new.drill_target := true;
    end if;
    return new;
  end $$`,
  // Its name comes before that of the trigger that judges the mark.
  `create trigger instances_drill_provisioned before insert or update on service_instances
    for each row execute function mark_provisioned_drill_target()`,
]
