import { isDeclaredItem } from './item-patterns.ts'
import type { Retention } from './retention.ts'

/** What no plan of the selected instances may fall below. Of several floors all apply. */
export interface Floor {
  /** Minimum number of days for which restore points are kept. */
  minimumRetentionDays?: number | undefined
  /** Dumps are encrypted. */
  encryptionRequired?: boolean | undefined
  /** Dumps are stored in one of these places. */
  allowedDestinations?: readonly AllowedDestination[] | undefined
}

/** A place, or several of them. */
export interface AllowedDestination {
  /** The kind of store. */
  kind: string
  /** Scheme, host name and port of its server; undefined: any server. */
  server?: string | undefined
  /** Its bucket, container or directory: a name, or a pattern with `*`; undefined: any. */
  container?: string | undefined
}

/** What a floor is compared with of a plan. */
export interface FloorSubject {
  retention: Retention
  isEncrypted: boolean
  destination: Place
}

/** Where a destination stores. */
export interface Place {
  kind: string
  /** The URL of its server; undefined: its settings name none. */
  server: string | undefined
  container: string | undefined
}

export type FloorRule = 'retention' | 'encryption' | 'destination'

/** What is wrong with a plan. */
export interface FloorViolation {
  rule: FloorRule
  /** What is required, and what there is, as the rest of a sentence about the plan. */
  message: string
}

/** What of a plan is below a floor. */
export function floorViolations(subject: FloorSubject, floor: Floor): FloorViolation[] {
  const found: FloorViolation[] = []
  const days = daysKept(subject.retention)
  const { minimumRetentionDays = 0 } = floor
  if (days < minimumRetentionDays) {
    const kept = days === 0 ? 'is not sure to keep those of each day' : `is sure to do so for ${inDays(days)} only`
    const message = `requires restore points to be kept for at least ${inDays(minimumRetentionDays)}; this retention ${kept}`
    found.push({ rule: 'retention', message })
  }
  if (floor.encryptionRequired === true && !subject.isEncrypted) {
    found.push({ rule: 'encryption', message: 'requires encryption; this plan has no public key' })
  }
  const { allowedDestinations } = floor
  if (allowedDestinations !== undefined && !allowedDestinations.some((allowed) => isAt(subject.destination, allowed))) {
    const { kind, server, container } = subject.destination
    const place = [kind, server, container].filter((part) => part !== undefined).join(' ')
    found.push({ rule: 'destination', message: `allows other destinations only; this one is ${place}` })
  }
  return found
}

const inDays = (days: number) => (days === 1 ? 'one day' : `${Math.round(days * 100) / 100} days`)

/**
 * For how many days a retention is sure to keep the newest restore point of each day at least, however often backups run. One
 * that counts restore points is not sure to keep any: enough backups in a row replace them all within minutes. Nor are
 * generations of weeks and more, which keep one of several days: `keepYearly: 1` keeps the newest restore point alone.
 */
export function daysKept({ style, period, generations = {} }: Retention): number {
  switch (style) {
    case 'ALL':
      return Number.POSITIVE_INFINITY
    case 'DAYS':
      return period
    case 'HOURS':
      return period / 24
    case 'FILES':
      return 0
    case 'GFS': {
      const { hourly = 0, daily = 0, maxAgeDays = Number.POSITIVE_INFINITY } = generations
      return Math.min(Math.max(daily, hourly / 24), maxAgeDays)
    }
  }
}

function isAt(place: Place, allowed: AllowedDestination): boolean {
  if (place.kind !== allowed.kind) return false
  if (allowed.server !== undefined) {
    const origin = originOf(allowed.server)
    if (origin === undefined || originOf(place.server) !== origin) return false
  }
  if (allowed.container === undefined) return true
  return place.container !== undefined && isDeclaredItem(place.container, [allowed.container])
}

/** Compared as programs connect: the case of a host name, its default port and a path do not matter. */
function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined
}
