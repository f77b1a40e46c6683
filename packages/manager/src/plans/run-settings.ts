import { type Generations, generationKinds, type RetentionStyle } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import type { PlanSettings, Retention as WireRetention } from '@osb-backup/protocol/v1'
import { RequestError } from '../shared/request-error.ts'
import { type BackupPlan, DEFAULT_RETRIES } from './plan.ts'

/** How a plan runs: what plans and templates of plans have in common. */
export type RunSettings = Pick<
  BackupPlan,
  | 'frequency'
  | 'timezone'
  | 'retention'
  | 'compression'
  | 'compressor'
  | 'excludedItems'
  | 'publicKey'
  | 'privateKey'
  | 'rpoSeconds'
  | 'retries'
  | 'parallelItems'
  | 'drill'
>

type WireRunSettings = Pick<
  PlanSettings,
  | 'schedule'
  | 'retention'
  | 'compression'
  | 'encryption'
  | 'excludedItems'
  | 'rpoSeconds'
  | 'retries'
  | 'parallelItems'
  | 'drill'
>

/** The same as a client sent them. @throws {RequestError} If the retention is incomplete. */
export function runSettingsFromWire(settings: WireRunSettings): RunSettings {
  const { schedule, compression = { algorithm: 'zstd' }, encryption = {} } = settings
  const { algorithm, level } = compression
  return {
    compression: algorithm !== 'none',
    compressor: algorithm === 'none' ? { algorithm: 'zstd', level: undefined } : { algorithm, level },
    frequency: schedule.cron,
    timezone: schedule.timezone ?? 'UTC',
    retention: retentionFromWire(settings.retention),
    excludedItems: settings.excludedItems ?? [],
    publicKey: encryption.publicKey,
    privateKey: encryption.privateKey,
    rpoSeconds: settings.rpoSeconds,
    retries: settings.retries ?? DEFAULT_RETRIES,
    parallelItems: settings.parallelItems ?? 1,
    drill: settings.drill,
  }
}

/** The same as the API answers them, without the keys. */
export function runSettingsToWire(settings: RunSettings) {
  const { algorithm, level } = settings.compressor
  return {
    excludedItems: settings.excludedItems,
    schedule: { cron: settings.frequency, timezone: settings.timezone },
    retention: retentionToWire(settings.retention),
    compression: settings.compression ? { algorithm, level } : { algorithm: 'none' as const },
    rpoSeconds: settings.rpoSeconds,
    retries: settings.retries,
    parallelItems: settings.parallelItems,
    drill: settings.drill,
  }
}

const styles = { count: 'FILES', hours: 'HOURS', days: 'DAYS', gfs: 'GFS', all: 'ALL' } as const
const wireStyles = { FILES: 'count', HOURS: 'hours', DAYS: 'days', GFS: 'gfs', ALL: 'all' } as const satisfies Record<
  RetentionStyle,
  WireRetention['style']
>

/** The fields of the API that say how many of each generation are kept. */
const generationFields = {
  last: 'keepLast',
  hourly: 'keepHourly',
  daily: 'keepDaily',
  weekly: 'keepWeekly',
  monthly: 'keepMonthly',
  yearly: 'keepYearly',
} as const
const countedGenerations = ['last', ...generationKinds] as const

/** A retention as the API answers it. */
export function retentionToWire({ style, period, generations = {} }: BackupPlan['retention']): WireRetention {
  if (style === 'ALL') return { style: 'all' }
  if (style !== 'GFS') return { style: wireStyles[style], period }
  const counts = countedGenerations.flatMap((kind) => {
    const count = generations[kind]
    return count === undefined ? [] : [[generationFields[kind], count]]
  })
  const { maxAgeDays } = generations
  return { style: 'gfs', ...Object.fromEntries(counts), ...omitUndefined({ maxAgeDays }) }
}

/** @throws {RequestError} If what the style requires is missing, or a field belongs to another style. */
export function retentionFromWire(retention: WireRetention): BackupPlan['retention'] {
  const { style, period } = retention
  const generations = generationsFromWire(retention)
  const named = Object.keys(generations).length > 0
  if (style === 'gfs') {
    if (countedGenerations.some((kind) => generations[kind] !== undefined))
      return { style: 'GFS', period: 1, generations }
    const fields = Object.values(generationFields)
    const message = `retention needs at least one of ${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}.`
    throw new RequestError('invalid', message, { field: 'retention.keepDaily' })
  }
  if (named) {
    const message = 'The fields keepLast to keepYearly and maxAgeDays of a retention belong to the style gfs.'
    throw new RequestError('invalid', message, { field: 'retention.style' })
  }
  if (style !== 'all' && period === undefined) {
    const message = `retention.period is required: how many ${style === 'count' ? 'restore points' : style} are kept.`
    throw new RequestError('invalid', message, { field: 'retention.period' })
  }
  return { style: styles[style], period: period ?? 1 }
}

function generationsFromWire(retention: WireRetention): Generations {
  const counts = Object.fromEntries(countedGenerations.map((kind) => [kind, retention[generationFields[kind]]]))
  return omitUndefined({ ...counts, maxAgeDays: retention.maxAgeDays })
}
