/**
 * When, and by how much, a row changed what is stored. A record that is deleted after its object leaves the past as it was; one
 * whose object is still stored is missing from now on.
 */
const sizeChanges = {
  insert: 'values (taken_at, delta * size_bytes), (deleted_at, -delta * size_bytes)',
  update: 'values (taken_at, delta * size_bytes), (deleted_at, -delta * size_bytes)',
  delete: 'values (case when deleted_at is null then now() end, delta * size_bytes)',
} as const

/**
 * How many restore points there are, by instance, item and destination, and their total size, counted in the same way. Kept are those whose
 * object is not to be removed, stored are those whose object was not removed yet.
 */
export const restorePointCounters = [
  `create table restore_point_counters (
    instance_id text not null,
    item text not null,
    destination_id text not null,
    kept bigint not null,
    stored bigint not null,
    stored_bytes bigint not null,
    primary key (instance_id, item, destination_id)
  )`,
  `create table restore_point_counter_changes (
    id bigint primary key generated always as identity,
    instance_id text not null,
    item text not null,
    destination_id text not null,
    kept bigint not null,
    stored bigint not null,
    stored_bytes bigint not null
  )`,
  'create index restore_point_counter_changes_by_instance on restore_point_counter_changes (instance_id)',

  // By how much that size changed on each day in UTC. An empty instance id stands for all instances together.
  `create table stored_bytes_by_day (
    instance_id text not null,
    day date not null,
    change_bytes bigint not null,
    primary key (instance_id, day)
  )`,
  'create index stored_bytes_by_day_by_age on stored_bytes_by_day (day)',
  `create table stored_bytes_changes (
    id bigint primary key generated always as identity,
    instance_id text not null,
    day date not null,
    change_bytes bigint not null
  )`,
  'create index stored_bytes_changes_by_instance on stored_bytes_changes (instance_id)',
  ...pointCounterTrigger('insert', 'new table as added', 'select *, 1 as delta from added'),
  ...pointCounterTrigger('delete', 'old table as removed', 'select *, -1 as delta from removed'),
  ...pointCounterTrigger(
    'update',
    'old table as removed new table as added',
    'select *, -1 as delta from removed union all select *, 1 as delta from added',
  ),
]

function pointCounterTrigger(event: keyof typeof sizeChanges, tables: string, changed: string): string[] {
  return [
    `create function count_restore_point_${event}() returns trigger language plpgsql as $$ begin
      insert into restore_point_counter_changes (instance_id, item, destination_id, kept, stored, stored_bytes)
        select * from (
          select instance_id, item, destination_id,
            coalesce(sum(delta) filter (where deleted_at is null and removal_requested_at is null), 0) as kept,
            coalesce(sum(delta) filter (where deleted_at is null), 0) as stored,
            coalesce(sum(delta * size_bytes) filter (where deleted_at is null), 0) as stored_bytes
          from (${changed}) as changed group by instance_id, item, destination_id
        ) as deltas where kept <> 0 or stored <> 0 or stored_bytes <> 0;
      insert into stored_bytes_changes (instance_id, day, change_bytes)
        select instance_id, (least(at, now()) at time zone 'UTC')::date, sum(bytes)
        from (${changed}) as changed, lateral (${sizeChanges[event]}) as sizes (at, bytes)
        where at is not null group by 1, 2 having sum(bytes) <> 0;
      return null;
    end $$`,
    `create trigger restore_points_count_${event} after ${event} on restore_points referencing ${tables}
      for each statement execute function count_restore_point_${event}()`,
  ]
}
