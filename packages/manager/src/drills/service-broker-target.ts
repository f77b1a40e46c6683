import { isItemPattern } from '@osb-backup/core'
import { findInstance, instancesById } from '../instances/repository.ts'
import {
  findInstanceFor,
  QuotaReached,
  releaseInstanceOf,
  requestInstance,
} from '../service-brokers/provisioned-service.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Preparation, TargetedDrill, TargetKind } from './target.ts'

/**
 * An instance that is provisioned for the drill through a service broker, and deleted after it. The steps at the broker are recorded with the
 * instance, and done in the background; here it is requested, waited for and released.
 */
export const serviceBrokerTarget: TargetKind<'service-broker'> = {
  async prepare(context, drill, _memory, signal) {
    const provisioned = await findInstanceFor(context, drill.jobId)
    if (provisioned === undefined) return request(context, drill, signal)
    const { id, failure, isWanted, nextStepAt } = provisioned
    if (!isWanted) return { state: 'failed', reason: failure ?? `The provisioned instance ${id} was deleted.` }
    if (nextStepAt !== undefined) return { state: 'pending' }
    const instance = await findInstance(context, id)
    if (instance === undefined) return { state: 'failed', reason: `The provisioned instance ${id} was deregistered.` }
    const [only, ...others] = instance.items ?? []
    const isOneDatabase = only !== undefined && others.length === 0 && !isItemPattern(only)
    return { state: 'ready', instanceId: id, ...(isOneDatabase && { database: only }) }
  },

  async cleanUp(context, { jobId }) {
    const provisioned = await releaseInstanceOf(context, jobId)
    if (provisioned === undefined || provisioned.endedAt !== undefined) return { state: 'done' }
    return { state: 'pending', problem: provisioned.error }
  },
}

async function request(
  context: Parameters<typeof requestInstance>[0],
  { jobId, instanceId, target }: TargetedDrill<'service-broker'>,
  signal: AbortSignal,
): Promise<Preparation> {
  const source = (await instancesById(context, [instanceId])).get(instanceId)
  invariant(source, `the instance ${instanceId} is stored`)
  const { serviceBrokerId, service, servicePlan } = target
  try {
    await requestInstance(context, { purpose: 'drill', jobId, source, serviceBrokerId, service, servicePlan }, signal)
    return { state: 'pending' }
  } catch (error) {
    // Another instance is deleted before long.
    if (error instanceof QuotaReached) return { state: 'pending' }
    if (error instanceof RequestError) return { state: 'failed', reason: error.message }
    throw error
  }
}
