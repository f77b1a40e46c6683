/** Restore drills: their targets and steps, and what they have proven. */
export const drills = [
  // What a drill that has begun recorded of itself. Its job holds the rest.
  `create table drills (
    job_id text primary key references jobs on delete cascade,
    selection text not null,
    target jsonb not null,
    checks jsonb not null,
    step text not null default 'prepare',
    target_state jsonb not null default '{}',
    target_instance_id text references service_instances,
    target_database text,
    failure text,
    clean_up_problem text,
    clean_up_attempts integer not null default 0
  )`,
  `create table drill_parts (
    job_id text not null references drills on delete cascade,
    position integer not null,
    database text,
    restore_job_id text unique,
    taken_at timestamptz,
    verdict jsonb,
    primary key (job_id, position)
  )`,
  `create table drill_steps (
    id bigint primary key generated always as identity,
    job_id text not null references drills on delete cascade,
    name text not null,
    item text,
    began_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    succeeded boolean,
    detail text
  )`,
  'create index drill_steps_by_job on drill_steps (job_id, id)',

  // Every item that ever had a restore point, and what drills found out about it last.
  `create table restorable_items (
    instance_id text not null references service_instances,
    item text not null,
    known_since timestamptz not null default now(),
    proven_at timestamptz,
    proven_point_id text,
    proven_point_taken_at timestamptz,
    proven_by_job_id text,
    recovery_seconds double precision,
    drilled_at timestamptz,
    drill_job_id text,
    drill_failure text,
    primary key (instance_id, item)
  )`,

  // A drill writes only into instances that are marked as drill targets, whatever the code above decides; and no instance that is backed
  // up can be marked. Rows of instances are locked, so that nothing is marked or unmarked at the same time.
  `create function require_drill_target() returns trigger language plpgsql as $$ begin
    if new.drill_job_id is not null then
      perform from service_instances where id = new.instance_id and drill_target and deleted_at is null for share;
      if not found then
        raise exception using errcode = 'check_violation', constraint = 'drills_write_into_targets_only',
          message = format('the service instance %s is not a drill target', new.instance_id);
      end if;
    end if;
    return new;
  end $$`,
  `create trigger jobs_drill_target before insert or update of drill_job_id, instance_id on jobs
    for each row execute function require_drill_target()`,

  `create function require_no_drill_target() returns trigger language plpgsql as $$
  declare
    is_target boolean;
  begin
    select drill_target into is_target from service_instances where id = new.instance_id for share;
    if is_target then
      raise exception using errcode = 'check_violation', constraint = 'drill_targets_are_not_backed_up',
        message = format('the service instance %s is a drill target: what drills restore into it is thrown away', new.instance_id);
    end if;
    return new;
  end $$`,
  `create trigger plans_drill_target before insert or update of instance_id on backup_plans
    for each row execute function require_no_drill_target()`,

  `create function require_nothing_backed_up() returns trigger language plpgsql as $$ begin
    if new.drill_target and not old.drill_target and (
      exists (select from backup_plans where instance_id = new.id)
      or exists (select from restore_points where instance_id = new.id and deleted_at is null)
    ) then
      raise exception using errcode = 'check_violation', constraint = 'drill_targets_are_not_backed_up',
        message = format('the service instance %s has plans or restore points: it cannot be a drill target', new.id);
    end if;
    if old.drill_target and not new.drill_target and exists (
      select from jobs where instance_id = new.id and drill_job_id is not null and ended_at is null
    ) then
      raise exception using errcode = 'check_violation', constraint = 'drill_target_in_use',
        message = format('a drill restores into the service instance %s', new.id);
    end if;
    return new;
  end $$`,
  `create trigger instances_drill_target before update of drill_target on service_instances
    for each row execute function require_nothing_backed_up()`,
]
