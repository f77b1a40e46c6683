import type { AlarmKind } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CoveringPlan, type ProtectingPoint, protectionOf } from '../protection.ts'
import type { AgentFacts, AlarmFacts, DestinationFacts, DrillFacts, ManagerFacts, PlanFacts } from './alarm-facts.ts'
import { conditionsOf } from './conditions.ts'
import { soonestExpiry } from './installation-conditions.ts'

const now = new Date('2026-03-01T12:00:00Z')
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)
const ahead = (days: number) => new Date(now.getTime() + days * 86_400_000)

const quiet: AlarmFacts = {
  now,
  version: '1.4.0',
  items: [],
  plans: [],
  locks: [],
  agents: [],
  destinations: [],
  tokens: [],
  certificates: [],
  credentials: [],
  managers: [],
  orphans: [],
  clockJump: undefined,
  provenMaxAgeDays: 30,
  database: undefined,
}
const plan: PlanFacts = {
  planId: 'p',
  instanceId: 'i',
  name: 'nightly',
  overdueSince: undefined,
  missedAt: undefined,
  skippedRuns: 0,
  failedJob: undefined,
}
const agent: AgentFacts = {
  id: 'a',
  name: 'db-1',
  isReachable: true,
  error: undefined,
  version: '1.4.2',
  startProblem: undefined,
  skewSeconds: undefined,
  disks: [],
  lastSeenAt: now,
}
const destination: DestinationFacts = {
  id: 'd',
  instanceId: 'i',
  name: 'files',
  isReachable: true,
  error: undefined,
  failingRemovals: 0,
  removalAttempts: 0,
}
const manager: ManagerFacts = { id: 'm', name: 'm', reportedAt: now, skewSeconds: undefined, disk: undefined }
const full = (used: number): Partial<AlarmFacts> => ({
  managers: [{ ...manager, disk: { sizeBytes: 1000, freeBytes: 1000 * (1 - used) } }],
})
const lock = { instanceId: 'i', database: 'shop', jobId: 'j', since: ago(60), unlockAttempts: 0, hasEnded: false }
const item = {
  instanceId: 'i',
  item: 'shop',
  protection: { state: 'protected', reason: 'r', rpoSeconds: 1, newestAt: now },
  suspiciousPoint: undefined,
  brokenPoints: 0,
  drill: undefined,
} as const
const drill: DrillFacts = { coveredSince: ahead(-60), provenAt: undefined, failure: undefined }

const found = (facts: Partial<AlarmFacts>) =>
  conditionsOf({ ...quiet, ...facts }).map(({ kind, level, severity }) => `${kind} ${level} ${severity}`)

test('nothing is wrong where all is well', () => {
  const well = { plans: [plan], agents: [agent], destinations: [destination], managers: [manager], items: [item] }
  expect(found({ ...well, ...full(0.5), locks: [lock] })).toEqual([])
})

test.for<[string, Partial<AlarmFacts>, string[]]>([
  ['a missed run', { plans: [{ ...plan, missedAt: ago(60) }] }, ['run-missed bad warning']],
  ['a run that nobody starts', { plans: [{ ...plan, overdueSince: ago(301) }] }, ['run-missed bad warning']],
  ['a run that is due just now', { plans: [{ ...plan, overdueSince: ago(2) }] }, []],
  ['one skipped run', { plans: [{ ...plan, skippedRuns: 1 }] }, []],
  ['several skipped runs', { plans: [{ ...plan, skippedRuns: 2 }] }, ['run-skipped bad warning']],
  ['a failed run', { plans: [{ ...plan, failedJob: { id: 'j', endedAt: now } }] }, ['run-failed bad warning']],
  ['a lock whose unlock fails', { locks: [{ ...lock, unlockAttempts: 1 }] }, ['database-locked bad critical']],
  ['a lock that outlasts its job', { locks: [{ ...lock, hasEnded: true }] }, ['database-locked bad critical']],
  ['an agent that is away', { agents: [{ ...agent, isReachable: false }] }, ['agent-offline bad warning']],
  [
    'an agent that stays away',
    { agents: [{ ...agent, isReachable: false, lastSeenAt: ago(1000) }] },
    ['agent-offline bad critical'],
  ],
  [
    'an agent that was not asked',
    { agents: [{ ...agent, isReachable: undefined }] },
    ['agent-offline borderline warning'],
  ],
  [
    'an agent whose settings keep it from accepting jobs',
    { agents: [{ ...agent, startProblem: 'scripts_path cannot be read: EACCES.' }] },
    ['agent-failing bad critical'],
  ],
  ['an agent of the version before', { agents: [{ ...agent, version: '1.3.9' }] }, ['agent-outdated bad info']],
  ['an old agent', { agents: [{ ...agent, version: '1.2.0' }] }, ['agent-outdated bad warning']],
  ['a newer agent', { agents: [{ ...agent, version: '2.0.0' }] }, []],
  ['an agent without a version', { agents: [{ ...agent, version: undefined }] }, ['agent-outdated bad info']],
  [
    'a destination that fails',
    { destinations: [{ ...destination, isReachable: false }] },
    ['destination-failing bad critical'],
  ],
  [
    'a removal that fails for the first time',
    { destinations: [{ ...destination, failingRemovals: 1, removalAttempts: 1 }] },
    ['removal-stuck borderline warning'],
  ],
  [
    'a removal that fails again and again',
    { destinations: [{ ...destination, failingRemovals: 1, removalAttempts: 5 }] },
    ['removal-stuck bad warning'],
  ],
  [
    'a suspicious dump',
    { items: [{ ...item, suspiciousPoint: { id: 'r', sizeBytes: 1, usualSizeBytes: 100 } }] },
    ['suspicious-dump bad warning'],
  ],
  [
    'a drill that failed',
    {
      items: [
        { ...item, drill: { ...drill, provenAt: ahead(-1), failure: { jobId: 'j', reason: 'No space.', at: now } } },
      ],
    },
    ['drill-failed bad critical'],
  ],
  ['a proof of 29 days ago', { items: [{ ...item, drill: { ...drill, provenAt: ahead(-29) } }] }, []],
  [
    'a proof of 31 days ago',
    { items: [{ ...item, drill: { ...drill, provenAt: ahead(-31) } }] },
    ['not-proven bad warning'],
  ],
  ['an item that was never proven', { items: [{ ...item, drill }] }, ['not-proven bad warning']],
  [
    'an old proof of an item that drills cover since yesterday',
    { items: [{ ...item, drill: { ...drill, coveredSince: ahead(-1), provenAt: ahead(-50) } }] },
    [],
  ],
  ['a damaged restore point', { items: [{ ...item, brokenPoints: 1 }] }, ['verification-failed bad critical']],
  ['a token of two weeks', { tokens: [{ id: 't', name: 't', expiresAt: ahead(13) }] }, ['token-expiring bad warning']],
  ['a token of a day', { tokens: [{ id: 't', name: 't', expiresAt: ahead(1) }] }, ['token-expiring bad critical']],
  ['a token of a month', { tokens: [{ id: 't', name: 't', expiresAt: ahead(31) }] }, []],
  [
    'credentials of two weeks',
    { credentials: [{ id: 'd', name: 'd', expiresAt: ahead(13) }] },
    ['credentials-expiring bad warning'],
  ],
  [
    'credentials of a day',
    { credentials: [{ id: 'd', name: 'd', expiresAt: ahead(1) }] },
    ['credentials-expiring bad critical'],
  ],
  ['credentials of a month', { credentials: [{ id: 'd', name: 'd', expiresAt: ahead(31) }] }, []],
  [
    'an expired certificate',
    { certificates: [{ id: 'c', name: 'c', expiresAt: ago(1) }] },
    ['certificate-expiring bad critical'],
  ],
  [
    'a certificate that its agent is about to renew',
    { certificates: [{ id: 'c', name: 'c', expiresAt: ahead(12), renewedLifetimeMs: 30 * 86_400_000 }] },
    [],
  ],
  [
    'a certificate that its agent should have renewed',
    { certificates: [{ id: 'c', name: 'c', expiresAt: ahead(7), renewedLifetimeMs: 30 * 86_400_000 }] },
    ['certificate-expiring bad warning'],
  ],
  [
    'a certificate that its agent did not renew',
    { certificates: [{ id: 'c', name: 'c', expiresAt: ahead(2), renewedLifetimeMs: 30 * 86_400_000 }] },
    ['certificate-expiring bad critical'],
  ],
  [
    'an instance that cannot be deleted',
    { orphans: [{ id: 'x', instanceId: 'i', serviceBroker: 'b', error: 'It answered 500.', attempts: 5 }] },
    ['instance-orphaned bad warning'],
  ],
  [
    'an instance whose deletion has failed for the first time',
    { orphans: [{ id: 'x', instanceId: 'i', serviceBroker: 'b', error: 'It answered 500.', attempts: 1 }] },
    ['instance-orphaned borderline warning'],
  ],
  ['a clock that was set', { clockJump: { detectedAt: now, jumpSeconds: 7200 } }, ['clock-wrong bad critical']],
  ['a clock that differs', { managers: [{ ...manager, skewSeconds: -9 }] }, ['clock-wrong bad warning']],
  ['a clock of an agent that differs', { agents: [{ ...agent, skewSeconds: 90 }] }, ['clock-wrong bad warning']],
  [
    'two disks of an agent that are nearly full: one alarm of the fullest',
    {
      agents: [
        {
          ...agent,
          disks: [
            { directory: 'directory_backup', sizeBytes: 100, freeBytes: 8 },
            { directory: 'directory_restore', sizeBytes: 100, freeBytes: 2 },
          ],
        },
      ],
    },
    ['disk-nearly-full bad critical'],
  ],
  ['a disk near the limit', full(0.87), ['disk-nearly-full borderline warning']],
  ['a disk that is nearly full', full(0.91), ['disk-nearly-full bad warning']],
  ['a disk that is full', full(0.99), ['disk-nearly-full bad critical']],
  [
    'a database that is nearly full',
    { database: { sizeBytes: 92, limitBytes: 100 } },
    ['database-nearly-full bad warning'],
  ],
  ['a manager that is silent', { managers: [{ ...manager, reportedAt: ago(121) }] }, ['manager-gone bad warning']],
])('%s', ([, facts, expected]) => {
  expect(found(facts)).toEqual(expected)
  for (const { sentence, advice } of conditionsOf({ ...quiet, ...facts })) {
    expect(`${sentence} ${advice}`).not.toMatch(/undefined|NaN|\n/)
    expect(advice).toMatch(/\.$/)
  }
})

test.for<[string, Date[], Date | undefined]>([
  ['the first of them that expires', [ahead(90), ahead(5)], ahead(5)],
  ['not the one that a renewal left', [ago(60), ahead(90)], ahead(90)],
  ['the last one where all have expired', [ago(60), ago(30)], ago(30)],
  ['none where there is none', [], undefined],
])('of trusted certificates counts %s', ([, expiries, expected]) => {
  expect(soonestExpiry(expiries, now)).toEqual(expected)
})

test('the alarm of an item and its protection follow from the same facts', () => {
  const coveringPlan = fc.record({
    schedule: fc.constant({ frequency: '0 0 2 * * *', timezone: 'UTC' }),
    paused: fc.boolean(),
    rpoSeconds: fc.option(fc.integer({ min: 1, max: 500_000 }), { nil: undefined }),
    createdAt: fc.integer({ min: 0, max: 900_000 }).map(ago),
  })
  const point = fc.record({ takenAt: fc.integer({ min: 0, max: 900_000 }).map(ago), good: fc.boolean() })
  fc.assert(
    fc.property(fc.array(coveringPlan, { maxLength: 3 }), fc.array(point, { maxLength: 3 }), (plans, points) => {
      const protection = protectionOf({ plans: plans as CoveringPlan[], points: points as ProtectingPoint[] }, now)
      const kinds = conditionsOf({ ...quiet, items: [{ ...item, protection }] }).map(({ kind }): AlarmKind => kind)
      const isWrong = protection.state === 'at-risk' || protection.state === 'unprotected'
      expect(kinds).toEqual(isWrong ? ['rpo-exceeded'] : [])
    }),
  )
})
