import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BrokerStep, brokerPauseSeconds, nextBrokerStep } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { instancesById } from '../instances/repository.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import { callForStep, changeBefore, type StepContext, type StepResult } from './broker-steps.ts'
import * as repository from './instances-repository.ts'
import type { ProvisionedInstance } from './provisioned-instance.ts'
import { deregisterProvisioned, isRegistered, registerProvisioned } from './registration.ts'
import { findBroker } from './repository.ts'

/** How many instances a manager works on at the same time. */
const MOST_AT_ONCE = 20
/** How often the lock of a step is renewed. */
const RENEW_MS = 4000
/** A lock that could not be renewed for so long may be lost: nothing is called then. */
const LOST_AFTER_MS = repository.STEP_LOCK_SECONDS * 500
const CLAIM_EVERY_MS = 500

type StepsContext = Pick<Context, 'database' | 'sealer' | 'settings' | 'log'>

/**
 * Does the steps of provisioned instances that are due, until none is: one call to a broker each. An instance that does not get on delays
 * no other.
 *
 * @param signal - Ends the attempts; what they were about to do is done again later.
 */
export async function runDueSteps(context: StepsContext, signal: AbortSignal): Promise<void> {
  const abandoned = await repository.markAbandoned(context)
  if (abandoned > 0)
    context.log.warn({ abandoned }, 'instances are deleted whose drill or clone has ended without them')
  const running = new Set<Promise<void>>()
  do {
    const lockedBy = randomUUID()
    const room = MOST_AT_ONCE - running.size
    const due = signal.aborted || room === 0 ? [] : await repository.claimDueSteps(context, lockedBy, room)
    for (const instance of due) {
      const attempt = attemptStep(context, instance, lockedBy, signal).finally(() => running.delete(attempt))
      running.add(attempt)
    }
    if (signal.aborted) await Promise.all(running)
    else if (running.size > 0) {
      await Promise.race([...running, sleep(CLAIM_EVERY_MS, undefined, { signal }).catch(() => undefined)])
    }
  } while (running.size > 0)
}

/** Does one step of an instance, or gives it back. Never throws. */
async function attemptStep(
  context: StepsContext,
  instance: ProvisionedInstance,
  lockedBy: string,
  stopped: AbortSignal,
): Promise<void> {
  const log = context.log.child({ provisionedInstanceId: instance.id, serviceBrokerId: instance.serviceBrokerId })
  const ended = new AbortController()
  const lost = new AbortController()
  const renewing = renewLock(context, instance.id, lockedBy, { ended: ended.signal, lost })
  try {
    await doStep({ ...context, log }, instance, lockedBy, AbortSignal.any([stopped, lost.signal]))
  } catch (error) {
    if (!stopped.aborted && !lost.signal.aborted) log.error({ err: error }, 'a step of a provisioned instance failed')
    // What was recorded before the call says that it may have happened.
    const seconds = stopped.aborted ? 0 : brokerPauseSeconds(instance.attempts)
    await repository.recordStep(context, instance, lockedBy, {}, { inSeconds: seconds }).catch((cause: unknown) => {
      log.warn({ err: cause }, 'a provisioned instance stays locked until its lock expires')
    })
  } finally {
    ended.abort()
    await renewing
  }
}

/** Renews the lock of a step until it has ended, or the lock is lost. */
async function renewLock(
  context: StepsContext,
  id: string,
  lockedBy: string,
  { ended, lost }: { ended: AbortSignal; lost: AbortController },
): Promise<void> {
  let renewedAtMs = performance.now()
  for (;;) {
    await sleep(RENEW_MS, undefined, { signal: ended }).catch(() => undefined)
    if (ended.aborted) return
    const isHeld = await repository.renewStepLocks(context, lockedBy).then(
      (ids) => ids.includes(id),
      (error: unknown) => {
        context.log.warn({ err: error }, 'renewing the lock of a provisioned instance failed; retrying')
        return performance.now() - renewedAtMs < LOST_AFTER_MS
      },
    )
    if (!isHeld && !ended.aborted) return lost.abort(new Error('another attempt has the provisioned instance'))
    renewedAtMs = performance.now()
  }
}

async function doStep(
  context: StepsContext,
  instance: ProvisionedInstance,
  lockedBy: string,
  signal: AbortSignal,
): Promise<void> {
  const isKnown = instance.isWanted ? instance.isRegistered : await isRegistered(context, instance.id)
  const step = nextBrokerStep({
    isWanted: instance.isWanted,
    instance: instance.instanceState,
    binding: instance.bindingState,
    isBindable: instance.isBindable,
    hasCredentials: instance.credentials !== undefined,
    isRegistered: isKnown,
  })
  if (step === undefined) {
    const next = instance.isWanted ? 'none' : 'ended'
    await repository.recordStep(context, instance, lockedBy, { error: undefined, stepEndsAt: undefined }, next)
    return
  }
  const of = await stepContext(context, instance, signal)
  const before = changeBefore(step, of)
  if (!(await repository.recordStep(context, instance, lockedBy, before))) return
  signal.throwIfAborted()
  const recorded = { ...of, instance: { ...instance, ...before } }
  const { change, next } = await resultOf(context, step, recorded, instance)
  if (await repository.recordStep(context, instance, lockedBy, change, next)) return
  context.log.warn({ step }, 'a service broker answered after another attempt had taken the provisioned instance over')
  if (step === 'provision') await repository.recordLateCreation(context, instance.id)
}

async function stepContext(
  context: StepsContext,
  instance: ProvisionedInstance,
  signal: AbortSignal,
): Promise<StepContext> {
  const broker = await findBroker(context, instance.serviceBrokerId)
  invariant(broker, `the service broker ${instance.serviceBrokerId} is stored`)
  const source = (await instancesById(context, [instance.sourceInstanceId])).get(instance.sourceInstanceId)
  const tenant = { organizationGuid: source?.organizationGuid, spaceGuid: source?.spaceGuid }
  return { context, broker, instance, tenant, now: await readClock(context), signal }
}

async function resultOf(
  context: StepsContext,
  step: BrokerStep,
  of: StepContext,
  before: ProvisionedInstance,
): Promise<StepResult> {
  if (step !== 'register' && step !== 'deregister') {
    return callForStep(step, of, step === 'provision' && before.instanceState === 'requested')
  }
  const { instance, broker, now } = of
  try {
    if (step === 'deregister') await deregisterProvisioned(context, instance.id)
    else await registerProvisioned(context, broker, instance)
    const change = { isRegistered: step === 'register', error: undefined, attempts: 0, stepEndsAt: undefined }
    return { change, next: { inSeconds: 0 } }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    const { message } = error
    if (step === 'register' && instance.stepEndsAt !== undefined && now >= instance.stepEndsAt) {
      const given = { isWanted: false, failure: message, attempts: 0, stepEndsAt: undefined }
      return { change: given, next: { inSeconds: 0 } }
    }
    const change = { error: message, attempts: instance.attempts + 1 }
    return { change, next: { inSeconds: brokerPauseSeconds(Math.min(instance.attempts, 5)) } }
  }
}
