/**
 * How many jobs there are, by instance, kind, status and day, so that no list counts or skips a million rows. Triggers append
 * every change of `jobs` to `job_counter_changes`, which locks nothing; a maintenance task compacts them into `job_counters`.
 * A count is the sum of both.
 */
export const jobCounters = [
  `create table job_counters (
    instance_id text not null,
    kind text not null,
    status text not null,
    day date not null,
    count bigint not null,
    primary key (instance_id, kind, day, status)
  )`,
  `create table job_counter_changes (
    id bigint primary key generated always as identity,
    instance_id text not null,
    kind text not null,
    status text not null,
    day date not null,
    delta bigint not null
  )`,
  'create index job_counter_changes_by_instance on job_counter_changes (instance_id, kind)',
  ...counterTrigger('insert', 'new table as added', 'select *, 1 as delta from added'),
  ...counterTrigger('delete', 'old table as removed', 'select *, -1 as delta from removed'),
  ...counterTrigger(
    'update',
    'old table as removed new table as added',
    'select *, -1 as delta from removed union all select *, 1 as delta from added',
  ),
]

function counterTrigger(event: string, tables: string, changed: string): string[] {
  return [
    `create function count_job_${event}() returns trigger language plpgsql as $$ begin
      insert into job_counter_changes (instance_id, kind, status, day, delta)
        select instance_id, kind, status, (started_at at time zone 'UTC')::date, sum(delta)
        from (${changed}) as changed group by 1, 2, 3, 4 having sum(delta) <> 0;
      return null;
    end $$`,
    `create trigger jobs_count_${event} after ${event} on jobs referencing ${tables}
      for each statement execute function count_job_${event}()`,
  ]
}
