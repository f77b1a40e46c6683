/** The state of the installation itself: settings and the clock. */
export const system = [
  // What each boot of a host last observed of this server's clock.
  `create table clock_observations (
    boot_id text primary key,
    observed_at timestamptz not null,
    uptime_seconds double precision not null,
    steady_since timestamptz not null
  )`,

  // While one is not confirmed, nothing is deleted by age.
  `create table clock_jumps (
    id bigint primary key generated always as identity,
    detected_at timestamptz not null,
    jump_seconds double precision not null,
    confirmed_at timestamptz,
    confirmed_by text
  )`,

  // Facts about this database, such as which key its secrets are sealed with.
  `create table settings (
    name text primary key,
    value text not null
  )`,

  // The CA of enrolled agents. Its key is null once the key that sealed it was lost.
  `create table certificate_authorities (
    id text primary key,
    certificate text not null,
    sealed_key text,
    created_at timestamptz not null default now()
  )`,
]
