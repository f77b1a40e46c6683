/** Who may call, and what callers did. */
export const access = [
  `create table tokens (
    id text primary key,
    name text not null,
    hash text not null unique,
    role text not null,
    permissions jsonb not null default '[]',
    grants jsonb not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now()
  )`,

  `create table broker_accounts (
    name text primary key,
    password_hash text not null,
    grants jsonb not null,
    created_at timestamptz not null default now()
  )`,

  `create table audit_entries (
    id bigint primary key generated always as identity,
    at timestamptz not null,
    caller_kind text not null,
    caller_id text not null,
    caller_name text not null,
    address text not null,
    action text not null,
    path text not null,
    status integer not null,
    instance_id text
  )`,
  'create index audit_entries_by_instance on audit_entries (instance_id, id)',
  'create index audit_entries_by_time on audit_entries (at)',
  // Append-only, even for a faulty statement over the manager's own connection; only what is expired is deleted.
  `create function refuse_audit_change() returns trigger language plpgsql as $$ begin
    if tg_op = 'DELETE' and current_setting('osb_backup.deletes_expired', true) = 'on' then return null; end if;
    raise exception 'audit entries are append-only';
  end $$`,
  `create trigger audit_entries_append_only before update or delete or truncate on audit_entries
    for each statement execute function refuse_audit_change()`,

  `create table idempotency_keys (
    caller_id text not null,
    key text not null,
    request_digest text not null,
    resource_id text not null,
    created_at timestamptz not null default now(),
    primary key (caller_id, key)
  )`,
  'create index idempotency_keys_by_age on idempotency_keys (created_at)',
]
