import { setTimeout as sleep } from 'node:timers/promises'
import { omitUndefined, withDeadline } from '@osb-backup/node'
import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { type JobLock, JobLockLost, type VerifyJob, type VerifyPart } from '../jobs/job.ts'
import { recordPart } from '../jobs/part-results.ts'
import { findJob } from '../jobs/repository.ts'
import { findCancellation } from '../jobs/state-repository.ts'
import { findPoint } from '../restore-points/repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { readBack, type Verification } from './read-back.ts'
import { runningSeconds } from './repository.ts'

/** How often the job is read while its object is: it may have been cancelled, and its progress is recorded. */
const WATCH_MS = 1000

/** A verification cannot come to a result; the message becomes the error of its part. */
class VerificationFailure extends Error {
  override readonly name = 'VerificationFailure'
}

/**
 * Runs a verify job to its end. May be called again for a job that another manager began, or that has ended: the object is
 * then read from its start again.
 *
 * @param lock - As soon as another manager has the job locked, nothing is written any more.
 * @param signal - Stops running it here; the manager that claims the job next runs it again.
 * @throws {JobLockLost} If another manager has the job locked.
 * @throws {Error} Whatever prevented it from being run, for example our database; the caller retries.
 */
export async function runVerification(context: Context, lock: JobLock, signal: AbortSignal): Promise<void> {
  const job = await findJob(context, lock.id)
  const [part] = job?.kind === 'verify' ? job.parts : []
  if (part === undefined || isOver(part.status)) return
  const log = context.log.child({ jobId: lock.id, restorePointId: part.restorePointId })
  try {
    const point = await requirePoint(context, part)
    const { samplePercent } = job as VerifyJob
    const found = await verify({ ...context, log }, { lock, part, point, samplePercent }, signal)
    await requirePoint(context, part)
    await recordPart(context, lock, part.position, {
      status: found.state === 'intact' ? 'SUCCEEDED' : 'FAILED',
      verified: found.state,
      ...omitUndefined({ error: found.problem }),
      // A sample without damage does not prove that there is none.
      ...(samplePercent !== undefined && found.state === 'intact'
        ? {}
        : { verification: { pointId: point.id, state: found.state } }),
    })
  } catch (error) {
    if (!(error instanceof VerificationFailure)) throw error
    log.warn({ reason: error.message }, 'verification failed')
    await recordPart(context, lock, part.position, { status: 'FAILED', error: error.message })
  }
}

async function requirePoint(context: Context, { restorePointId }: VerifyPart): Promise<RestorePoint> {
  const point = await findPoint(context, restorePointId)
  if (point === undefined || point.removal !== undefined)
    throw new VerificationFailure('The restore point was deleted.')
  return point
}

interface Run {
  lock: JobLock
  part: VerifyPart
  point: RestorePoint
  samplePercent: number | undefined
}

/** Reads the object within the time limit, and records how much has been read, until the job is cancelled. */
async function verify(context: Context, run: Run, signal: AbortSignal): Promise<Verification> {
  const limitSeconds = context.settings.verificationTimeoutSeconds
  const leftMs = (limitSeconds - (await runningSeconds(context, run.lock.id))) * 1000
  const watching = new AbortController()
  const stopping = new AbortController()
  let bytesRead = 0
  const watched = watch(context, run, { ended: watching.signal, stop: stopping, progress: () => bytesRead })
  try {
    return await withDeadline(signal, Math.max(Math.ceil(leftMs), 0), (deadline) =>
      readBack(context, run.point, {
        signal: AbortSignal.any([deadline.signal, stopping.signal]),
        samplePercent: run.samplePercent,
        onProgress: (progress) => {
          bytesRead = progress.bytesRead
        },
      }).catch((error: unknown) => {
        if (!deadline.isExceeded || stopping.signal.aborted) throw error
        throw new VerificationFailure(`The object was not read within ${limitSeconds} seconds.`)
      }),
    )
  } catch (error) {
    signal.throwIfAborted()
    stopping.signal.throwIfAborted()
    if (error instanceof RequestError) throw new VerificationFailure(error.message)
    throw error
  } finally {
    watching.abort()
    await watched
  }
}

/** Records progress until the reading has ended, and stops it when the job is cancelled or another manager has it. */
async function watch(
  context: Context,
  { lock, part }: Run,
  { ended, stop, progress }: { ended: AbortSignal; stop: AbortController; progress: () => number },
): Promise<void> {
  let recorded: number | undefined
  while (!ended.aborted && !stop.signal.aborted) {
    try {
      const cancelledBy = await findCancellation(context, lock)
      if (cancelledBy !== undefined) stop.abort(new VerificationFailure(`Cancelled by ${cancelledBy}.`))
      else if (progress() !== recorded) {
        recorded = progress()
        await recordPart(context, lock, part.position, { status: 'RUNNING', bytesRead: recorded })
      }
    } catch (error) {
      if (error instanceof JobLockLost) stop.abort(error)
      // If the database stays unreachable, the lease is lost, which stops the reading too.
      else context.log.warn({ err: error }, 'the progress of a verification was not recorded')
    }
    await sleep(WATCH_MS, undefined, { signal: AbortSignal.any([ended, stop.signal]) }).catch(() => undefined)
  }
}
