import { randomUUID } from 'node:crypto'
import { type BrokerPlan, brokerPlans, SERVICE_ID } from './catalog.ts'
import type { BrokerDatabases } from './databases.ts'
import type { Registration } from './registration.ts'
import type { BrokerBinding, BrokerInstance, BrokerOperation, BrokerState } from './state.ts'

/** An answer of the broker. */
export interface BrokerAnswer {
  status: number
  body: Record<string, unknown>
}

/** A refusal, with the error code of the specification if it has one for it. */
export const refuse = (status: number, description: string, error?: string): BrokerAnswer => ({
  status,
  body: { description, ...(error === undefined ? {} : { error }) },
})

/** A request to create something. */
export interface CreateRequest {
  serviceId: unknown
  planId: unknown
  parameters: Record<string, unknown>
  organizationGuid: string | undefined
  spaceGuid: string | undefined
  acceptsIncomplete: boolean
  /** How what is done in the background fails. */
  failure?: 'before' | 'after' | undefined
}

/** A request to delete something. */
export type DeleteRequest = Pick<CreateRequest, 'acceptsIncomplete' | 'failure'>

/** What the broker works with. */
export interface BrokerDependencies {
  state: BrokerState
  databases: BrokerDatabases
  /** Undefined: instances are registered nowhere. */
  registration: Registration | undefined
  /** How long an operation in the background takes at least. */
  operationMs: number
}

/** What the broker does for each request of the Open Service Broker API, without HTTP. */
export class BrokerService {
  readonly #deps: BrokerDependencies
  /** What is done in the background. */
  readonly #running = new Set<Promise<void>>()

  constructor(deps: BrokerDependencies) {
    this.#deps = deps
  }

  /** Waits for what is done in the background. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async provision(id: string, wanted: CreateRequest): Promise<BrokerAnswer> {
    const { state } = this.#deps
    const plan = planOf(wanted)
    if (plan === undefined) return refuse(400, 'There is no such service or plan.')
    const request = JSON.stringify([plan.id, wanted.parameters, wanted.organizationGuid, wanted.spaceGuid])
    const known = state.instances.get(id)
    if (known !== undefined) return answerKnown(known.request === request, known.isReady, known.operation)
    if (plan.isAsync && !wanted.acceptsIncomplete) return asyncRequired()
    const { parameters, organizationGuid, spaceGuid } = wanted
    const instance: BrokerInstance = {
      ...{ serviceId: SERVICE_ID, planId: plan.id, request, parameters, organizationGuid, spaceGuid },
      isReady: false,
      bindings: {},
    }
    state.instances.set(id, instance)
    const create = async () => {
      await this.#createInstance(id, instance)
      instance.isReady = true
    }
    if (plan.isAsync) return this.#start(instance, create, wanted.failure)
    // Until it is there, it cannot be deleted.
    instance.operation = { id: 'create', state: 'in progress' }
    try {
      await create()
      delete instance.operation
    } catch (error) {
      instance.operation = { id: 'create', state: 'failed' }
      await this.#removeInstance(id).catch(() => undefined)
      throw error
    } finally {
      await state.save()
    }
    return { status: 201, body: { dashboard_url: `https://broker.example/dashboards/${id}` } }
  }

  async #createInstance(id: string, { serviceId, planId, organizationGuid, spaceGuid }: BrokerInstance): Promise<void> {
    const { databases, registration } = this.#deps
    const account = await databases.createDatabase(id)
    const database = databases.nameOf(id)
    await registration?.register({ id, serviceId, planId, organizationGuid, spaceGuid, database, account })
  }

  instance(id: string): BrokerAnswer {
    const known = this.#deps.state.instances.get(id)
    if (known === undefined || !known.isReady) return refuse(404, 'There is no such instance.')
    if (known.operation?.state === 'in progress') return concurrent()
    return { status: 200, body: { service_id: known.serviceId, plan_id: known.planId, parameters: known.parameters } }
  }

  async deprovision(id: string, { acceptsIncomplete, failure }: DeleteRequest): Promise<BrokerAnswer> {
    const { state } = this.#deps
    const known = state.instances.get(id)
    if (known === undefined) return refuse(410, 'There is no such instance.')
    if (known.operation?.state === 'in progress')
      return isOf(known.operation, 'deprovision') ? pending(known) : concurrent()
    const isAsync = planWithId(known.planId)?.isAsync === true
    if (isAsync && !acceptsIncomplete) return asyncRequired()
    if (Object.keys(known.bindings).length > 0) return refuse(400, 'The instance still has bindings.')
    if (isAsync) return this.#start(known, () => this.#removeInstance(id), failure, 'deprovision')
    await this.#removeInstance(id)
    await state.save()
    return { status: 200, body: {} }
  }

  async #removeInstance(id: string): Promise<void> {
    const { databases, registration, state } = this.#deps
    await databases.dropDatabase(id)
    await registration?.deregister(id)
    state.instances.delete(id)
  }

  lastOperation(id: string, operation: string | undefined): BrokerAnswer {
    const known = this.#deps.state.instances.get(id)
    if (known === undefined) return refuse(410, 'There is no such instance.')
    return describe(known.operation, operation)
  }

  async bind(id: string, bindingId: string, wanted: CreateRequest): Promise<BrokerAnswer> {
    const { state } = this.#deps
    const instance = state.instances.get(id)
    if (instance === undefined || !instance.isReady) return refuse(404, 'There is no such instance.')
    const plan = planOf(wanted)
    if (plan === undefined || plan.id !== instance.planId)
      return refuse(400, 'The instance has another service or plan.')
    if (!plan.bindable) return refuse(400, 'Instances of this plan have no bindings.')
    if (instance.operation?.state === 'in progress') return concurrent()
    const request = JSON.stringify([plan.id, wanted.parameters])
    const known = instance.bindings[bindingId]
    if (known !== undefined) {
      const isReady = known.credentials !== undefined
      const answer = answerKnown(known.request === request, isReady, known.operation)
      return isReady && answer.status === 200 ? { ...answer, body: { credentials: known.credentials } } : answer
    }
    if (plan.bindsAsync && !wanted.acceptsIncomplete) return asyncRequired()
    const binding: BrokerBinding = { request }
    instance.bindings[bindingId] = binding
    const create = async () => {
      binding.credentials = await this.#createBinding(id, bindingId)
    }
    if (plan.bindsAsync) return this.#start(binding, create, wanted.failure)
    try {
      await create()
    } catch (error) {
      delete instance.bindings[bindingId]
      throw error
    } finally {
      await state.save()
    }
    return { status: 201, body: { credentials: binding.credentials } }
  }

  async #createBinding(id: string, bindingId: string): Promise<Record<string, unknown>> {
    const { databases } = this.#deps
    const { host, port } = databases.server
    const { username, password } = await databases.createRole(id, bindingId)
    const database = databases.nameOf(id)
    const uri = `postgresql://${username}:${password}@${host}:${port}/${database}`
    return { host, port, username, password, database, uri }
  }

  binding(id: string, bindingId: string): BrokerAnswer {
    const binding = this.#deps.state.instances.get(id)?.bindings[bindingId]
    if (binding?.credentials === undefined) return refuse(404, 'There is no such binding.')
    return { status: 200, body: { credentials: binding.credentials } }
  }

  async unbind(id: string, bindingId: string, { acceptsIncomplete, failure }: DeleteRequest): Promise<BrokerAnswer> {
    const { state } = this.#deps
    const instance = state.instances.get(id)
    const known = instance?.bindings[bindingId]
    if (instance === undefined || known === undefined) return refuse(410, 'There is no such binding.')
    if (known.operation?.state === 'in progress') return isOf(known.operation, 'unbind') ? pending(known) : concurrent()
    const isAsync = planWithId(instance.planId)?.bindsAsync === true
    if (isAsync && !acceptsIncomplete) return asyncRequired()
    const remove = async () => {
      await this.#deps.databases.dropRole(bindingId)
      delete instance.bindings[bindingId]
    }
    if (isAsync) return this.#start(known, remove, failure, 'unbind')
    await remove()
    await state.save()
    return { status: 200, body: {} }
  }

  bindingLastOperation(id: string, bindingId: string, operation: string | undefined): BrokerAnswer {
    const binding = this.#deps.state.instances.get(id)?.bindings[bindingId]
    if (binding === undefined) return refuse(410, 'There is no such binding.')
    return describe(binding.operation, operation)
  }

  /** Does something in the background, and answers that it is in progress. */
  async #start(
    owner: { operation?: BrokerOperation },
    act: () => Promise<void>,
    failure: 'before' | 'after' | undefined,
    kind = 'create',
  ): Promise<BrokerAnswer> {
    const { operationMs, state } = this.#deps
    const operation: BrokerOperation = { id: `${kind}-${randomUUID()}`, state: 'in progress' }
    owner.operation = operation
    const run = async () => {
      await new Promise((resolve) => setTimeout(resolve, operationMs))
      try {
        if (failure === 'before') throw new Error('The operation was made to fail.')
        await act()
        if (failure === 'after') throw new Error('The operation was made to fail after it was done.')
        operation.state = 'succeeded'
      } catch (error) {
        operation.state = 'failed'
        operation.description = (error as Error).message
      }
      await state.save()
    }
    const running = run().finally(() => this.#running.delete(running))
    this.#running.add(running)
    await state.save()
    return { status: 202, body: { operation: operation.id } }
  }
}

const planWithId = (id: unknown): BrokerPlan | undefined => Object.values(brokerPlans).find((plan) => plan.id === id)

const planOf = ({ serviceId, planId }: Pick<CreateRequest, 'serviceId' | 'planId'>) =>
  serviceId === SERVICE_ID ? planWithId(planId) : undefined

/** The answer to a request for something that there is under its id. */
function answerKnown(isSame: boolean, isReady: boolean, operation: BrokerOperation | undefined): BrokerAnswer {
  if (!isSame) return refuse(409, 'There is another one with this id.')
  if (operation?.state === 'in progress') return { status: 202, body: { operation: operation.id } }
  return isReady ? { status: 200, body: {} } : refuse(409, 'It could not be created under this id.')
}

const asyncRequired = () => refuse(422, 'This plan requires support for asynchronous operations.', 'AsyncRequired')
const concurrent = () => refuse(422, 'Another operation is in progress.', 'ConcurrencyError')
const isOf = ({ id }: BrokerOperation, kind: string) => id.startsWith(`${kind}-`)
const pending = ({ operation }: { operation?: BrokerOperation }): BrokerAnswer => ({
  status: 202,
  body: { operation: operation?.id },
})

function describe(operation: BrokerOperation | undefined, asked: string | undefined): BrokerAnswer {
  if (operation === undefined) return { status: 200, body: { state: 'succeeded' } }
  if (asked !== undefined && asked !== operation.id) return refuse(400, 'There is no such operation.')
  const { state, description } = operation
  return { status: 200, body: { state, ...(description === undefined ? {} : { description }) } }
}
