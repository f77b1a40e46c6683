/** Breaks a call off. */
export interface Abortable {
  signal?: AbortSignal
}

/** How something is edited. */
export interface EditOptions {
  /** As `getVersioned` answered it: if somebody else changed it since, the call rejects with status 412. Absent: overwrites. */
  version?: string
}

/** How a job is started. */
export interface StartOptions {
  /** Any text: the same request with the same key starts no second job for 24 hours, so it may be sent again after a failure. */
  idempotencyKey?: string
}
