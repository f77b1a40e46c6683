import {
  ageKeys,
  CronSyntaxError,
  compressionLevels,
  isCompressionLevel,
  isItemPattern,
  parseCron,
  shortestIntervalSeconds,
} from '@osb-backup/core'
import { isAgeRecipient } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import type { BackupPlan, Compressor } from './plan.ts'

/**
 * Refuses a plan that could not run, or that runs more often than the operator allows.
 *
 * @param stored - The plan that it replaces.
 * @throws {RequestError} Naming the field.
 */
export function checkPlan(
  plan: Pick<BackupPlan, 'items' | 'excludedItems' | 'compressor' | 'publicKey' | 'frequency' | 'timezone'>,
  { settings }: Pick<Context, 'settings'>,
  stored?: Pick<BackupPlan, 'frequency' | 'timezone'>,
): void {
  const duplicate = plan.items.find((item, index) => plan.items.indexOf(item) !== index)
  if (duplicate !== undefined) {
    throw new RequestError('invalid', `items names ${JSON.stringify(duplicate)} twice.`, { field: 'items' })
  }
  if (plan.excludedItems.length > 0 && !plan.items.some(isItemPattern)) {
    const message = 'excludedItems excludes nothing: none of items is a pattern with *.'
    throw new RequestError('invalid', message, { field: 'excludedItems' })
  }
  checkCompressor(plan.compressor)
  checkPublicKey(plan.publicKey)
  // An unchanged schedule is not checked: otherwise a plan could not even be paused once the operator allows less.
  const isSame = stored?.frequency === plan.frequency && stored.timezone === plan.timezone
  if (!isSame) checkSchedule(plan, { settings })
}

function checkCompressor({ algorithm, level }: Compressor): void {
  if (level === undefined || isCompressionLevel(algorithm, level)) return
  const { minimum, maximum } = compressionLevels[algorithm]
  const message = `compressionLevel must be from ${minimum} to ${maximum} for ${algorithm}.`
  throw new RequestError('invalid', message, { field: 'compression.level' })
}

/** A key that looks like age recipients must be valid: otherwise every backup would fail. Other keys are for the scripts. */
function checkPublicKey(publicKey: string | undefined): void {
  if (publicKey === undefined || !/^age1/.test(publicKey)) return
  const wrong = ageKeys(publicKey).findIndex((key) => !isAgeRecipient(key))
  if (wrong === -1) return
  const message = `The key at place ${wrong + 1} of publicKey is not an age recipient: a character is wrong or missing.`
  throw new RequestError('invalid', message, { field: 'encryption.publicKey' })
}

/**
 * Refuses a schedule that cannot be read, never comes due, or comes due more often than the operator allows. The interval is
 * measured on the face of the clock, so that the same schedule is accepted or refused all year.
 *
 * @returns The shortest time between two runs.
 * @throws {RequestError} Naming the field.
 */
export function checkSchedule(
  plan: Pick<BackupPlan, 'frequency' | 'timezone'>,
  { settings }: Pick<Context, 'settings'>,
): { shortestIntervalSeconds: number } {
  checkTimezone(plan.timezone)
  const frequency = JSON.stringify(plan.frequency)
  const shortest = shortestIntervalSeconds(readCron(plan.frequency))
  if (shortest === undefined) {
    throw new RequestError('invalid', `frequency ${frequency} never comes due.`, { field: 'schedule.cron' })
  }
  if (shortest < settings.minimumIntervalSeconds) {
    throw new RequestError(
      'invalid',
      `frequency ${frequency} runs every ${shortest} seconds; at least ${settings.minimumIntervalSeconds} are required between two runs.`,
      { field: 'schedule.cron' },
    )
  }
  return { shortestIntervalSeconds: shortest }
}

function readCron(frequency: string): ReturnType<typeof parseCron> {
  try {
    return parseCron(frequency)
  } catch (error) {
    if (!(error instanceof CronSyntaxError)) throw error
    const message = `frequency ${JSON.stringify(frequency)} is not a cron expression: ${error.message}.`
    throw new RequestError('invalid', message, { field: 'schedule.cron', cause: error })
  }
}

function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new RequestError(
      'invalid',
      `timezone ${JSON.stringify(timezone)} is unknown; use a name like Europe/Berlin.`,
      {
        field: 'schedule.timezone',
        cause,
      },
    )
  }
}
