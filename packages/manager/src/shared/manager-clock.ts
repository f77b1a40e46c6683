import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname, uptime } from 'node:os'

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id'

/**
 * The clocks of this manager. They decide nothing; PostgreSQL's clock does. The count of seconds since its host booted tells
 * whether that was set, and its time of day is compared with it, so that one that is wrong is noticed.
 */
export class ManagerClock {
  /** The same for all processes until the host boots again; each container counts as a host. */
  readonly bootId = `${readBootId()} ${hostname()}`
  /** How far the time of day is ahead of PostgreSQL's; undefined until it was compared. */
  skewMs: number | undefined
  /** The difference is larger than allowed. */
  isSkewed = false

  /** The time of day, in milliseconds since 1970. */
  timeOfDayMs(): number {
    return Date.now()
  }

  /** Seconds since the host booted, counted also while it sleeps. */
  uptimeSeconds(): number {
    return uptime()
  }
}

function readBootId(): string {
  try {
    return readFileSync(BOOT_ID_FILE, 'utf8').trim()
  } catch {
    // Not Linux: then a restart of the manager counts as one of the host.
    return randomUUID()
  }
}
