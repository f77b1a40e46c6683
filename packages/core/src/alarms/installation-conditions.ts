import type { AlarmKind, AlarmObjectKind } from '@osb-backup/protocol'
import { durationInWords } from '../duration-in-words.ts'
import type { Condition } from './alarm.ts'
import type { AlarmFacts, ExpiryFacts, ManagerFacts, OrphanFacts } from './alarm-facts.ts'
import { diskConditions, fullConditions, skewConditions } from './machine-conditions.ts'

const DAY_MS = 86_400_000
/** Remaining lifetime of a token, certificate or credentials that raises a warning, and then a critical alarm. */
const EXPIRES_SOON_MS = 14 * DAY_MS
const EXPIRES_NOW_MS = 3 * DAY_MS
/** The same of certificates that agents renew, in parts of their lifetime: with a short one they have less time left whenever they are due. */
const EXPIRES_SOON = 0.25
const EXPIRES_NOW = 0.1
/** Managers report every 30 seconds. */
const GONE_SECONDS = 120
/** Number of failures to delete an instance that raise an alarm. */
const ORPHAN_ATTEMPTS = 5
const ofInstallation = { instanceId: undefined, planId: undefined } as const

/** What is wrong with the installation itself. */
export function installationConditions(facts: AlarmFacts): Condition[] {
  return [
    ...facts.tokens.flatMap((token) => expiryConditions(expiringToken, token, facts.now)),
    ...facts.certificates.flatMap((each) =>
      expiryConditions(
        each.renewedLifetimeMs === undefined ? expiringCertificate : expiringAgentCertificate,
        each,
        facts.now,
      ),
    ),
    ...facts.credentials.flatMap((each) => expiryConditions(expiringCredentials, each, facts.now)),
    ...facts.managers.flatMap((manager) => managerConditions(manager, facts.now)),
    ...facts.orphans.map(orphanCondition),
    ...clockConditions(facts),
    ...databaseConditions(facts),
  ]
}

/** What its alarm says of something that expires. */
interface Expiring {
  kind: AlarmKind
  objectKind: AlarmObjectKind
  /** Begins the sentence, before the name. */
  subject: string
  verb: { future: string; past: string }
  advice: string
}

const itExpires = { future: 'expires', past: 'expired' }
const expiringToken: Expiring = {
  kind: 'token-expiring',
  objectKind: 'token',
  subject: 'The token',
  verb: itExpires,
  advice: 'Create another token for its user, and revoke this one.',
}
const expiringCertificate: Expiring = {
  kind: 'certificate-expiring',
  objectKind: 'certificate',
  subject: 'The certificate',
  verb: itExpires,
  advice: 'Renew the certificate.',
}
const expiringAgentCertificate: Expiring = {
  ...expiringCertificate,
  advice:
    'Read in the log of the agent why it does not renew the certificate. Once it has expired, enrol the agent with a new token.',
}
const expiringCredentials: Expiring = {
  kind: 'credentials-expiring',
  objectKind: 'destination',
  subject: 'The credentials of the destination',
  verb: { future: 'expire', past: 'expired' },
  advice: 'Create new ones where they were issued, and store them with the destination before these expire.',
}

function expiryConditions(
  { kind, objectKind, subject, verb, advice }: Expiring,
  { id, name, instanceId, expiresAt, renewedLifetimeMs = Number.POSITIVE_INFINITY }: ExpiryFacts,
  now: Date,
): Condition[] {
  const leftMs = expiresAt.getTime() - now.getTime()
  if (leftMs > Math.min(EXPIRES_SOON_MS, EXPIRES_SOON * renewedLifetimeMs)) return []
  const state = leftMs <= 0 ? verb.past : verb.future
  return [
    {
      instanceId,
      planId: undefined,
      kind,
      object: { kind: objectKind, id, name },
      level: 'bad',
      severity: leftMs <= Math.min(EXPIRES_NOW_MS, EXPIRES_NOW * renewedLifetimeMs) ? 'critical' : 'warning',
      sentence: `${subject} ${JSON.stringify(name)} ${state} at ${expiresAt.toISOString()}.`,
      advice,
    },
  ]
}

/**
 * When a list of trusted certificates needs attention: when the first of them expires that has not expired yet. One that has
 * expired beside others is left over from a renewal.
 *
 * @returns Undefined for an empty list.
 */
export function soonestExpiry(expiries: readonly Date[], now: Date): Date | undefined {
  const sorted = expiries.toSorted((one, other) => one.getTime() - other.getTime())
  return sorted.find((expiresAt) => expiresAt > now) ?? sorted.at(-1)
}

function managerConditions({ id, name, reportedAt, skewSeconds, disk }: ManagerFacts, now: Date): Condition[] {
  const about = { ...ofInstallation, object: { kind: 'manager', id, name } } as const
  const silentSeconds = Math.max(0, now.getTime() - reportedAt.getTime()) / 1000
  if (silentSeconds > GONE_SECONDS) {
    return [
      {
        ...about,
        kind: 'manager-gone',
        level: 'bad',
        severity: 'warning',
        sentence: `The manager ${name} disappeared without being stopped; it last reported at ${reportedAt.toISOString()}.`,
        advice: 'Start it again, and read its log for why it ended. Other managers have taken over its jobs.',
      },
    ]
  }
  const disks = disk === undefined ? [] : [{ ...disk, directory: 'DATA_DIR' }]
  return [
    ...skewConditions(skewSeconds, `the manager ${name}`, about),
    ...diskConditions(disks, `the manager ${name}`, about),
  ]
}

function orphanCondition({ id, instanceId, serviceBroker, error, attempts }: OrphanFacts): Condition {
  return {
    instanceId,
    planId: undefined,
    kind: 'instance-orphaned',
    object: { kind: 'provisioned-instance', id, name: id },
    level: attempts >= ORPHAN_ATTEMPTS ? 'bad' : 'borderline',
    severity: 'warning',
    sentence: `The instance ${id} of the service broker ${JSON.stringify(serviceBroker)} is not needed any more and cannot be deleted: ${error}`,
    advice: 'Find out at the broker why; the manager repeats the deletion until the broker confirms it.',
  }
}

function clockConditions({ clockJump }: AlarmFacts): Condition[] {
  if (clockJump === undefined) return []
  const { detectedAt, jumpSeconds } = clockJump
  return [
    {
      ...ofInstallation,
      kind: 'clock-wrong',
      object: { kind: 'clock', id: 'postgresql', name: 'PostgreSQL' },
      level: 'bad',
      severity: 'critical',
      sentence: `PostgreSQL's clock was set by ${durationInWords(Math.abs(jumpSeconds))} at ${detectedAt.toISOString()}: nothing is deleted by age.`,
      advice: 'Check the clock of the database server, and confirm it.',
    },
  ]
}

function databaseConditions({ database }: AlarmFacts): Condition[] {
  if (database === undefined) return []
  return fullConditions(database.sizeBytes / database.limitBytes, {
    ...ofInstallation,
    kind: 'database-nearly-full',
    object: { kind: 'database', id: 'manager', name: 'database of the manager' },
    sentence: (percent) => `The database of the manager uses ${percent} % of DATABASE_SIZE_LIMIT_GB.`,
    advice: 'Shorten the retention of jobs and logs, or raise the limit.',
  })
}
