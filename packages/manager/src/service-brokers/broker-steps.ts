import { randomUUID } from 'node:crypto'
import {
  type BrokerRequest,
  type BrokerResourceState,
  type BrokerStep,
  brokerPauseSeconds,
  brokerPollSeconds,
  lastOperationOf,
  outcomeOf,
} from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { type BrokerCall, type BrokerResult, callBroker, PLATFORM, textOf } from './broker-call.ts'
import type { NextStep } from './instances-repository.ts'
import type { InstanceChange, ProvisionedInstance } from './provisioned-instance.ts'
import type { ServiceBroker } from './service-broker.ts'

/** How often a binding is requested for one instance, before it has failed. */
const MAX_BINDINGS = 3
/** Longest text that a broker may identify an operation by. */
const MAX_OPERATION = 10_000
/** An organization or space, where neither the broker nor the source has one. */
const NO_TENANT = 'osb-backup'

/** What a step works on. */
export interface StepContext {
  context: Pick<Context, 'settings'>
  broker: ServiceBroker
  instance: ProvisionedInstance
  /** The organization and the space of the source. */
  tenant: { organizationGuid: string | undefined; spaceGuid: string | undefined }
  /** By the database's clock. */
  now: Date
  signal: AbortSignal
}

/** What a step leads to. */
export interface StepResult {
  change: InstanceChange
  next: NextStep
}

type CallStep = Exclude<BrokerStep, 'register' | 'deregister'>

const requests = {
  provision: 'provision',
  'poll-provision': 'provision',
  bind: 'bind',
  'poll-bind': 'bind',
  'fetch-binding': 'bind',
  unbind: 'unbind',
  'poll-unbind': 'unbind',
  deprovision: 'deprovision',
  'poll-deprovision': 'deprovision',
} as const satisfies Record<CallStep, BrokerRequest>

/** What is recorded before a step, so that a crash within it is noticed. */
export function changeBefore(step: BrokerStep, { broker, instance, now }: StepContext): InstanceChange {
  switch (step) {
    case 'provision':
      return { instanceState: 'requested', stepEndsAt: instance.stepEndsAt ?? endOf(broker, instance, now) }
    case 'bind':
      return {
        bindingState: 'requested',
        bindingId: randomUUID(),
        bindings: instance.bindings + 1,
        stepEndsAt: instance.stepEndsAt ?? endOf(broker, instance, now),
      }
    default:
      return instance.stepEndsAt === undefined ? { stepEndsAt: endOf(broker, instance, now) } : {}
  }
}

/** How long a step may take. */
const limitSeconds = ({ operationTimeoutSeconds }: ServiceBroker, { maximumPollingSeconds }: ProvisionedInstance) =>
  Math.min(operationTimeoutSeconds, maximumPollingSeconds ?? Number.POSITIVE_INFINITY)

const endOf = (broker: ServiceBroker, instance: ProvisionedInstance, now: Date) =>
  new Date(now.getTime() + limitSeconds(broker, instance) * 1000)

/** For how long a step has been in progress. */
function elapsedSeconds({ broker, instance, now }: StepContext): number {
  const leftMs = (instance.stepEndsAt ?? now).getTime() - now.getTime()
  return limitSeconds(broker, instance) - leftMs / 1000
}

/**
 * Calls the broker for a step.
 *
 * @param of - With the instance as it was recorded before the step.
 * @param mayExistBefore - An earlier attempt at the step may have reached the broker.
 */
export async function callForStep(step: CallStep, of: StepContext, mayExistBefore: boolean): Promise<StepResult> {
  switch (step) {
    case 'provision':
    case 'bind':
      return create(step, of, mayExistBefore)
    case 'unbind':
    case 'deprovision':
      return remove(step, of)
    case 'fetch-binding':
      return fetchBinding(of)
    default:
      return poll(step, of)
  }
}

async function create(step: 'provision' | 'bind', of: StepContext, mayExistBefore: boolean): Promise<StepResult> {
  const { instance } = of
  const result = await call(of, {
    method: 'PUT',
    path: pathOf(step, instance),
    query: { accepts_incomplete: 'true' },
    body: bodyOf(step, of),
    requestedBy: instance.requestedBy,
  })
  const credentials = credentialsIn(result)
  const reply =
    step === 'bind' && result.reply.kind === 'answer'
      ? { ...result.reply, isWellFormed: result.reply.isWellFormed && credentials !== undefined }
      : result.reply
  const outcome = outcomeOf(step, reply, mayExistBefore)
  const settled = { operation: undefined, error: undefined, attempts: 0 }
  const dashboardUrl = step === 'provision' ? textOf(result.body?.dashboard_url) : undefined
  const named = dashboardUrl === undefined ? {} : { dashboardUrl }
  switch (outcome.kind) {
    case 'done': {
      const created = { ...settled, ...named, stepEndsAt: undefined, ...stateChange(step, 'created') }
      return { change: step === 'bind' ? { ...created, credentials } : created, next: { inSeconds: 0 } }
    }
    case 'in-progress': {
      const change = { ...settled, ...named, ...stateChange(step, 'creating'), operation: operationIn(result) }
      return { change, next: { inSeconds: brokerPollSeconds(0, result.retryAfterSeconds) } }
    }
    case 'again':
      return isLate(of)
        ? failed(of, step, result, mayExistBefore)
        : again(of, result, mayExistBefore ? {} : notRequested(step, instance))
    case 'failed':
      return failed(of, step, result, outcome.mayExist)
  }
}

/** That the request changed nothing. */
const notRequested = (step: 'provision' | 'bind', { bindings }: ProvisionedInstance): InstanceChange =>
  step === 'provision' ? { instanceState: 'absent' } : { bindingState: 'absent', bindings: bindings - 1 }

async function remove(step: 'unbind' | 'deprovision', of: StepContext): Promise<StepResult> {
  const { instance } = of
  const result = await call(of, {
    method: 'DELETE',
    path: pathOf(step, instance),
    query: { ...planOf(instance), accepts_incomplete: 'true' },
    requestedBy: instance.requestedBy,
  })
  const outcome = outcomeOf(step, result.reply)
  if (outcome.kind === 'done') return removed(step)
  if (outcome.kind === 'in-progress') {
    // Its time is counted from now on.
    const change = { operation: operationIn(result), stepEndsAt: endOf(of.broker, instance, of.now) }
    const seconds = brokerPollSeconds(0, result.retryAfterSeconds)
    return { change: { ...change, ...stateChange(step, 'deleting') }, next: { inSeconds: seconds } }
  }
  // A binding that is in the way of another one: nobody waits for that forever.
  const isGivenUp = instance.isWanted && isLate(of)
  return again(of, result, isGivenUp ? { isWanted: false, failure: failureOf(of, step, result) } : {})
}

function removed(step: 'unbind' | 'deprovision'): StepResult {
  const change = { operation: undefined, error: undefined, attempts: 0, stepEndsAt: undefined }
  const more = step === 'unbind' ? { bindingId: undefined, credentials: undefined } : {}
  return { change: { ...change, ...more, ...stateChange(step, 'absent') }, next: { inSeconds: 0 } }
}

type PollStep = 'poll-provision' | 'poll-bind' | 'poll-unbind' | 'poll-deprovision'

async function poll(step: PollStep, of: StepContext): Promise<StepResult> {
  const { instance } = of
  const request = requests[step]
  const result = await call(of, {
    method: 'GET',
    path: `${pathOf(request, instance)}/last_operation`,
    query: { ...planOf(instance), operation: instance.operation },
  })
  const state = lastOperationOf(request, result.reply, textOf(result.body?.state))
  const isDeletion = request === 'unbind' || request === 'deprovision'
  if (state === 'succeeded') {
    if (isDeletion) return removed(request)
    const settled = { operation: undefined, error: undefined, attempts: 0, stepEndsAt: undefined }
    return { change: { ...settled, ...stateChange(request, 'created') }, next: { inSeconds: 0 } }
  }
  const isOver = state === 'failed' || isLate(of)
  if (!isOver) {
    const seconds = brokerPollSeconds(elapsedSeconds(of), result.retryAfterSeconds)
    return { change: {}, next: { inSeconds: seconds } }
  }
  const words = state === 'failed' ? failureWords(result) : 'did not finish in time'
  if (!isDeletion) return failed(of, request, { ...result, words }, true)
  // Deleted again, until it is confirmed.
  return again(
    of,
    { ...result, words },
    { ...stateChange(request, 'created'), operation: undefined, stepEndsAt: undefined },
  )
}

async function fetchBinding(of: StepContext): Promise<StepResult> {
  const { instance } = of
  const result = await call(of, { method: 'GET', path: pathOf('bind', instance), query: planOf(instance) })
  const credentials = result.reply.kind === 'answer' && result.reply.status === 200 ? credentialsIn(result) : undefined
  if (credentials !== undefined) {
    const change = { credentials, error: undefined, attempts: 0, stepEndsAt: undefined }
    return { change, next: { inSeconds: 0 } }
  }
  const isAnswered = result.reply.kind === 'answer' && result.reply.status === 200
  if (!isAnswered && !isLate(of)) return again(of, result, {})
  // Some brokers answer with the credentials only once, and that answer was lost.
  if (instance.bindings < MAX_BINDINGS && !isLate(of)) {
    return { change: { bindingState: 'requested', attempts: 0 }, next: { inSeconds: 0 } }
  }
  const words = isAnswered ? 'answered without credentials' : result.words
  return failed(of, 'bind', { ...result, words }, true)
}

/** It cannot be provisioned: everything that may exist of it is deleted from now on. */
function failed(of: StepContext, request: BrokerRequest, result: BrokerResult, mayExist: boolean): StepResult {
  const failure = failureOf(of, request, result)
  const state = mayExist ? {} : stateChange(request, 'absent')
  const settled = { operation: undefined, error: undefined, attempts: 0, stepEndsAt: undefined }
  return { change: { ...settled, ...state, isWanted: false, failure }, next: { inSeconds: 0 } }
}

const failureOf = ({ broker }: StepContext, request: BrokerRequest, { words }: BrokerResult) =>
  `The service broker ${JSON.stringify(broker.name)}, asked to ${verbs[request]}, ${words}.`

function again({ broker, instance }: StepContext, result: BrokerResult, change: InstanceChange): StepResult {
  const error = `The service broker ${JSON.stringify(broker.name)} ${result.words}.`
  const attempts = instance.attempts + 1
  return {
    change: { ...change, error, attempts },
    next: { inSeconds: brokerPauseSeconds(instance.attempts, result.retryAfterSeconds) },
  }
}

const verbs = {
  provision: 'provision an instance',
  bind: 'create a binding',
  unbind: 'delete a binding',
  deprovision: 'delete an instance',
} as const satisfies Record<BrokerRequest, string>

function failureWords({ body }: BrokerResult): string {
  const description = textOf(body?.description)
  return `failed${description === undefined ? '' : ` (${description.replace(/\.$/, '')})`}`
}

const isLate = ({ instance, now }: StepContext) => instance.stepEndsAt !== undefined && now >= instance.stepEndsAt

function stateChange(request: BrokerRequest, state: BrokerResourceState): InstanceChange {
  return request === 'provision' || request === 'deprovision' ? { instanceState: state } : { bindingState: state }
}

function call({ context, broker, signal }: StepContext, request: BrokerCall): Promise<BrokerResult> {
  return callBroker(context, broker, request, signal)
}

function pathOf(request: BrokerRequest, { id, bindingId = '' }: ProvisionedInstance): string {
  const instance = `/v2/service_instances/${encodeURIComponent(id)}`
  if (request === 'provision' || request === 'deprovision') return instance
  return `${instance}/service_bindings/${encodeURIComponent(bindingId)}`
}

const planOf = ({ serviceId, planId }: ProvisionedInstance) => ({ service_id: serviceId, plan_id: planId })

function bodyOf(request: 'provision' | 'bind', { broker, instance, tenant }: StepContext): Record<string, unknown> {
  const organization = broker.organizationGuid ?? tenant.organizationGuid ?? NO_TENANT
  const space = broker.spaceGuid ?? tenant.spaceGuid ?? NO_TENANT
  const context = { platform: PLATFORM, organization_guid: organization, space_guid: space }
  if (request === 'bind') return { ...planOf(instance), context }
  const { parameters, purpose, jobId } = instance
  return {
    ...planOf(instance),
    context: { ...context, instance_name: jobId === undefined ? purpose : `${purpose} ${jobId}` },
    organization_guid: organization,
    space_guid: space,
    ...(parameters && { parameters }),
  }
}

function credentialsIn({ body }: BrokerResult): Record<string, unknown> | undefined {
  const credentials = body?.credentials
  const isObject = typeof credentials === 'object' && credentials !== null && !Array.isArray(credentials)
  return isObject ? (credentials as Record<string, unknown>) : undefined
}

function operationIn({ body }: BrokerResult): string | undefined {
  const operation = body?.operation
  return typeof operation === 'string' && operation !== '' && operation.length <= MAX_OPERATION ? operation : undefined
}
