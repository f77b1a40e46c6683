import { durationInWords } from '../duration-in-words.ts'
import type { Condition } from './alarm.ts'
import type { DiskFacts } from './alarm-facts.ts'

/** Used parts: from where an alarm is raised, is critical, and below which it is resolved. */
const NEARLY_FULL = 0.9
const FULL = 0.95
const NOT_FULL = 0.85

type About = Pick<Condition, 'object' | 'instanceId' | 'planId'>

/** The clock of a machine, of which the difference is known only where it is more than allowed. */
export function skewConditions(skewSeconds: number | undefined, owner: string, about: About): Condition[] {
  if (skewSeconds === undefined) return []
  return [
    {
      ...about,
      kind: 'clock-wrong',
      level: 'bad',
      severity: 'warning',
      sentence: `The clock of ${owner} is ${durationInWords(Math.abs(skewSeconds))} ${
        skewSeconds > 0 ? 'ahead of' : 'behind'
      } that of PostgreSQL.`,
      advice: 'Synchronize the clocks of both machines with NTP.',
    },
  ]
}

/** The disks of a machine: at most one condition, of the fullest. */
export function diskConditions(disks: readonly DiskFacts[], owner: string, about: About): Condition[] {
  const used = ({ freeBytes, sizeBytes }: DiskFacts) => 1 - freeBytes / sizeBytes
  const [fullest] = disks.filter(({ sizeBytes }) => sizeBytes > 0).toSorted((one, other) => used(other) - used(one))
  if (fullest === undefined) return []
  return fullConditions(used(fullest), {
    ...about,
    kind: 'disk-nearly-full',
    sentence: (percent) => `The disk with ${fullest.directory} of ${owner} is ${percent} % full.`,
    advice: 'Free disk space, or enlarge the disk.',
  })
}

/** What is used of something that can be full. */
export function fullConditions(
  used: number,
  {
    sentence,
    ...condition
  }: Omit<Condition, 'level' | 'severity' | 'sentence'> & { sentence: (percent: number) => string },
): Condition[] {
  if (used < NOT_FULL) return []
  return [
    {
      ...condition,
      level: used >= NEARLY_FULL ? 'bad' : 'borderline',
      severity: used >= FULL ? 'critical' : 'warning',
      sentence: sentence(Math.floor(used * 100)),
    },
  ]
}
