import { clockJumpMs, nextObservation } from '@osb-backup/core'
import type { Call } from '../access/call.ts'
import { requireAllInstances } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import type { ClockJump } from './repository.ts'
import * as repository from './repository.ts'

const DAY_MS = 86_400_000
/** Observations of a host are deleted when it has made none for this long. */
const OBSERVATION_DAYS = 90

/** PostgreSQL's clock as it was observed. */
export interface ObservedClock {
  now: Date
  /** It was not set, or an operator confirmed it since: what is too old by `now` may be deleted. */
  isTrusted: boolean
}

/**
 * Reads PostgreSQL's clock, and compares it with the time that passed since the last observation. A clock that was set stops
 * deletions until an operator confirms it. Whatever deletes by age asks for the clock here, so that none is deleted by a
 * clock that was not compared.
 */
export async function observeClock(context: Pick<Context, 'database' | 'clock' | 'log'>): Promise<ObservedClock> {
  const { clock, log } = context
  return inTransaction(context, async (tx) => {
    await repository.lockObservations(tx)
    const now = { at: await readClock(tx), uptimeSeconds: clock.uptimeSeconds() }
    const observations = await repository.readObservations(tx)
    const last = observations.get(clock.bootId)
    // A container may count from its own start.
    const own = last !== undefined && last.uptimeSeconds <= now.uptimeSeconds ? last : undefined
    observations.delete(clock.bootId)
    const jumpMs = clockJumpMs(now, own, [...observations.values()])
    if (jumpMs !== undefined) {
      const jump = { detectedAt: now.at, jumpSeconds: Math.round(jumpMs / 1000) }
      await repository.insertJump(tx, jump)
      await repository.deleteObservations(tx)
      log.error(jump, "PostgreSQL's clock was set: nothing is deleted by age until an operator confirms the clock")
    } else {
      await repository.deleteObservations(tx, new Date(now.at.getTime() - OBSERVATION_DAYS * DAY_MS))
    }
    await repository.writeObservation(tx, clock.bootId, nextObservation(now, jumpMs === undefined ? own : undefined))
    return { now: now.at, isTrusted: (await repository.findUnconfirmedJump(tx)) === undefined }
  })
}

/** Compares the manager's time of day with PostgreSQL's, and reports a difference when it appears, changes or ends. */
export async function measureSkew({
  database,
  clock,
  log,
  settings,
}: Pick<Context, 'database' | 'clock' | 'log' | 'settings'>): Promise<void> {
  const before = clock.timeOfDayMs()
  const now = await readClock({ database })
  const after = clock.timeOfDayMs()
  const skewMs = (before + after) / 2 - now.getTime()
  const allowedMs = settings.clockSkewWarningSeconds * 1000
  const isSkewed = Math.abs(skewMs) - Math.abs(after - before) / 2 > allowedMs
  const hasChanged = isSkewed !== clock.isSkewed || Math.abs(skewMs - (clock.skewMs ?? skewMs)) > allowedMs
  const skewSeconds = Math.round(skewMs / 1000)
  if (isSkewed && hasChanged)
    log.warn({ skewSeconds }, "the clock of this manager differs from PostgreSQL's: correct it")
  if (!isSkewed && clock.isSkewed) log.info({ skewSeconds }, "the clock of this manager agrees with PostgreSQL's again")
  clock.skewMs = skewMs
  clock.isSkewed = isSkewed
}

/** What PostgreSQL's clock says, and whether it was set. */
export interface ClockState {
  now: Date
  /** Since then nothing is deleted by age. */
  jump: ClockJump | undefined
}

/** Reads PostgreSQL's clock, and whether deletions are stopped. */
export async function readClockState(context: Pick<Context, 'database'>): Promise<ClockState> {
  return { now: await readClock(context), jump: await repository.findUnconfirmedJump(context) }
}

/** Confirms that PostgreSQL's clock is right now: deletions continue. */
export async function confirmClock(context: Context, call: Call): Promise<ClockState> {
  await requireAllInstances(call)
  const now = await inAuditedTransaction(context, call, async (tx) => {
    await repository.lockObservations(tx)
    const at = await readClock(tx)
    await repository.confirmJumps(tx, at, call.caller.name)
    return at
  })
  return { now, jump: undefined }
}
