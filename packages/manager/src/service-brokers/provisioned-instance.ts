import type { BrokerResourceState } from '@osb-backup/core'
import type { ProvisionedInstanceState } from '@osb-backup/protocol/v1'

/** An instance at a service broker, and how far it is. */
export interface ProvisionedInstance {
  /** Its id at the broker, and as a service instance of this manager. */
  id: string
  serviceBrokerId: string
  purpose: 'drill' | 'clone' | 'trial'
  /** The job that it was provisioned for; undefined: a trial, whose credentials users may read as soon as there are any. */
  jobId: string | undefined
  sourceInstanceId: string
  /** In the catalog, as the next one. */
  serviceId: string
  planId: string
  isBindable: boolean
  /** The longest time that the catalog allows an operation. */
  maximumPollingSeconds: number | undefined
  /** Passed to the broker. */
  parameters: Record<string, unknown> | undefined
  /** The user who asked for it; undefined: the manager provisions it by itself. */
  requestedBy: string | undefined
  isWanted: boolean
  instanceState: BrokerResourceState
  bindingState: BrokerResourceState
  bindingId: string | undefined
  /** How many bindings were requested. */
  bindings: number
  /** What the broker calls the operation that is in progress. */
  operation: string | undefined
  /** When the step that is in progress has failed. */
  stepEndsAt: Date | undefined
  credentials: Record<string, unknown> | undefined
  dashboardUrl: string | undefined
  isRegistered: boolean
  /** Whether users may read its credentials. */
  isReleased: boolean
  /** Why it could not be provisioned. */
  failure: string | undefined
  /** Why the last call failed. */
  error: string | undefined
  /** How often the step has failed, or was polled, in a row. */
  attempts: number
  /** When the next step is due; undefined: none is. */
  nextStepAt: Date | undefined
  createdAt: Date
  /** When nothing of it existed any more. */
  endedAt: Date | undefined
}

/** What is known of an instance when it is requested. */
export type RequestedInstance = Pick<
  ProvisionedInstance,
  | 'id'
  | 'serviceBrokerId'
  | 'purpose'
  | 'jobId'
  | 'sourceInstanceId'
  | 'serviceId'
  | 'planId'
  | 'isBindable'
  | 'maximumPollingSeconds'
  | 'parameters'
  | 'requestedBy'
  | 'createdAt'
>

/** What a step changes. */
export type InstanceChange = Partial<
  Pick<
    ProvisionedInstance,
    | 'isWanted'
    | 'instanceState'
    | 'bindingState'
    | 'bindingId'
    | 'bindings'
    | 'operation'
    | 'stepEndsAt'
    | 'credentials'
    | 'dashboardUrl'
    | 'isRegistered'
    | 'failure'
    | 'error'
    | 'attempts'
  >
>

/** How far an instance is, for users. */
export function stateOf({
  isWanted,
  isReleased,
  endedAt,
  nextStepAt,
}: Pick<ProvisionedInstance, 'isWanted' | 'isReleased' | 'endedAt' | 'nextStepAt'>): ProvisionedInstanceState {
  if (endedAt !== undefined) return 'deprovisioned'
  if (!isWanted) return 'deprovisioning'
  if (nextStepAt !== undefined) return 'provisioning'
  return isReleased ? 'ready' : 'provisioned'
}
