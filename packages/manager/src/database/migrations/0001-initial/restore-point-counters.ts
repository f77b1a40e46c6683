/**
 * How many restore points there are, by instance and item, and their total size, counted in the same way. Kept are those whose
 * object is not to be removed, stored are those whose object was not removed yet.
 */
export const restorePointCounters = [
  `create table restore_point_counters (
    instance_id text not null,
    item text not null,
    kept bigint not null,
    stored bigint not null,
    stored_bytes bigint not null,
    primary key (instance_id, item)
  )`,
  `create table restore_point_counter_changes (
    id bigint primary key generated always as identity,
    instance_id text not null,
    item text not null,
    kept bigint not null,
    stored bigint not null,
    stored_bytes bigint not null
  )`,
  'create index restore_point_counter_changes_by_instance on restore_point_counter_changes (instance_id)',
  ...pointCounterTrigger('insert', 'new table as added', 'select *, 1 as delta from added'),
  ...pointCounterTrigger('delete', 'old table as removed', 'select *, -1 as delta from removed'),
  ...pointCounterTrigger(
    'update',
    'old table as removed new table as added',
    'select *, -1 as delta from removed union all select *, 1 as delta from added',
  ),
]

function pointCounterTrigger(event: string, tables: string, changed: string): string[] {
  return [
    `create function count_restore_point_${event}() returns trigger language plpgsql as $$ begin
      insert into restore_point_counter_changes (instance_id, item, kept, stored, stored_bytes)
        select * from (
          select instance_id, item,
            coalesce(sum(delta) filter (where deleted_at is null and removal_requested_at is null), 0) as kept,
            coalesce(sum(delta) filter (where deleted_at is null), 0) as stored,
            coalesce(sum(delta * size_bytes) filter (where deleted_at is null), 0) as stored_bytes
          from (${changed}) as changed group by instance_id, item
        ) as deltas where kept <> 0 or stored <> 0 or stored_bytes <> 0;
      return null;
    end $$`,
    `create trigger restore_points_count_${event} after ${event} on restore_points referencing ${tables}
      for each statement execute function count_restore_point_${event}()`,
  ]
}
