/** Upper limits of the buckets of histograms, by what they measure; values above the last are in one more bucket. */
const limits = {
  job_duration_seconds: [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400],
  dump_bytes: [2 ** 10, 2 ** 20, 2 ** 24, 2 ** 27, 2 ** 30, 2 ** 33, 2 ** 36, 2 ** 40, 2 ** 43],
}

/**
 * What metrics count and measure of jobs and dumps, so that every manager answers the same values, also after a restart and
 * after the jobs were deleted. Triggers append to \`measurement_changes\`, which locks nothing; a maintenance task compacts
 * them. A value is the sum of both.
 */
export const measurements = [
  `create table measurements (
    metric text not null,
    kind text not null,
    result text not null,
    bucket integer not null,
    count bigint not null,
    sum double precision not null,
    primary key (metric, kind, result, bucket)
  )`,
  `create table measurement_changes (
    id bigint primary key generated always as identity,
    metric text not null,
    kind text not null,
    result text not null,
    bucket integer not null,
    value double precision not null
  )`,
  'create table measurement_limits (metric text primary key, limits double precision[] not null)',
  ...Object.entries(limits).map(
    ([metric, values]) => `insert into measurement_limits values ('${metric}', '{${values.join(',')}}')`,
  ),
  // A bucket includes its upper limit.
  `create function measure(measured text, kind text, result text, value double precision) returns void language sql as $$
    insert into measurement_changes (metric, kind, result, bucket, value)
    select measured, kind, result, (select count(*) from unnest(limits) as upper where upper < value), value
    from measurement_limits where metric = measured
  $$`,
  `create function measure_job() returns trigger language plpgsql as $$ begin
    perform measure('job_duration_seconds', new.kind,
      case when new.status = 'SUCCEEDED' then 'succeeded' when new.cancelled_at is not null then 'cancelled' else 'failed' end,
      greatest(0, coalesce(extract(epoch from new.ended_at - new.began_at), 0))::double precision);
    return null;
  end $$`,
  `create trigger jobs_measure after update on jobs for each row
    when (old.ended_at is null and new.ended_at is not null) execute function measure_job()`,
  `create function measure_restore_point() returns trigger language plpgsql as $$ begin
    perform measure('dump_bytes', 'backup', case when new.after_failure then 'failed' else 'succeeded' end, new.size_bytes);
    return null;
  end $$`,
  `create trigger restore_points_measure after insert on restore_points for each row
    execute function measure_restore_point()`,

  // Verified and restored jobs are few, and are looked for among many others.
  `create index jobs_proving on jobs (plan_id, kind, ended_at) where kind <> 'backup' and status = 'SUCCEEDED'`,
]
