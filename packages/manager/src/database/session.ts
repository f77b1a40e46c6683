import type { PoolConfig } from 'pg'

/** How long a server may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 5_000
/** How long a statement may take: whatever reads or deletes much does so in batches. */
const STATEMENT_TIMEOUT_MS = 30_000
/**
 * How long a statement waits for a lock: longer than a manager that disappeared within a transaction can hold it, so that those
 * that wait get it.
 */
const LOCK_TIMEOUT_MS = 10_000
/** How long a transaction may be idle. No transaction waits for anything but its own statements. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000

/** After this the server has ended each statement, so that a connection without an answer is broken. */
export const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000

/** A client whose packets are dropped is noticed by the server, and its locks are released, in these times. */
const serverOptions = Object.entries({
  tcp_user_timeout: 15_000,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
})
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ')

/**
 * The session settings of every connection: nothing waits forever, neither for a server, nor for a lock that another manager
 * holds. `tcp_…` do not matter to a Unix socket.
 */
export const sessionConfig = {
  application_name: 'osb-backup-manager',
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  options: serverOptions,
} as const satisfies PoolConfig

/** For the connection that brings the tables up to date: it may take long, and wait for a manager that does the same. */
export const migrationSessionConfig = {
  ...sessionConfig,
  statement_timeout: 3_600_000,
  lock_timeout: 600_000,
  idle_in_transaction_session_timeout: 60_000,
} as const satisfies PoolConfig
