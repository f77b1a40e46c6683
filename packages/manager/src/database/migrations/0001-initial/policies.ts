/** Policies, what each instance follows, and which instances are unprotected on purpose. */
export const policies = [
  `create table policies (
    id text primary key,
    name text not null,
    label text,
    description text,
    priority integer not null,
    selector jsonb not null,
    template jsonb,
    sealed_template_secrets text,
    floor jsonb,
    may_pause boolean not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    constraint policies_name unique (name)
  )`,

  `create table policy_exemptions (
    id text primary key,
    instance_id text not null references service_instances,
    reason text not null,
    exempted_by jsonb not null,
    expires_at timestamptz not null,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    constraint policy_exemptions_of_instance unique (instance_id)
  )`,

  // When the policy of an instance is applied to it next, and what the last application found.
  `create table policy_checks (
    instance_id text primary key references service_instances,
    check_at timestamptz not null default now(),
    checked_at timestamptz,
    policy_id text,
    error text
  )`,
  'create index policy_checks_due on policy_checks (check_at)',
  'create index policy_checks_failed on policy_checks (instance_id) where error is not null',

  `create function check_policy_of_instance() returns trigger language plpgsql as $$
  begin
    insert into policy_checks (instance_id) values (new.id)
    on conflict (instance_id) do update set check_at = now();
    return null;
  end
  $$`,
  `create trigger service_instances_policy_check_insert after insert on service_instances
    for each row execute function check_policy_of_instance()`,
  // Whatever registers or changes an instance: its policy may be another one, or mean something else, from then on.
  `create trigger service_instances_policy_check after update on service_instances for each row
    when ((old.service_id, old.plan_id, old.organization_guid, old.space_guid, old.label, old.items, old.deleted_at, old.deprovisioned_at,
      old.drill_target)
      is distinct from
      (new.service_id, new.plan_id, new.organization_guid, new.space_guid, new.label, new.items, new.deleted_at, new.deprovisioned_at,
      new.drill_target))
    execute function check_policy_of_instance()`,

  `create function check_policy_of_exemption() returns trigger language plpgsql as $$
  begin
    update policy_checks set check_at = now() where instance_id = coalesce(new.instance_id, old.instance_id);
    return null;
  end
  $$`,
  `create trigger policy_exemptions_check after insert or update or delete on policy_exemptions
    for each row execute function check_policy_of_exemption()`,

  `create function check_all_policies() returns trigger language plpgsql as $$
  begin
    update policy_checks set check_at = now();
    return null;
  end
  $$`,
  `create trigger policies_check after insert or update or delete on policies
    for each statement execute function check_all_policies()`,
]
