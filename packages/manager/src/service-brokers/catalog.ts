import { z } from 'zod'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { callBroker } from './broker-call.ts'
import type { ServiceBroker } from './service-broker.ts'

const nameSchema = z.string().min(1).max(500)
const planSchema = z.object({
  id: nameSchema,
  name: nameSchema,
  description: z.string().max(5000).optional().catch(undefined),
  free: z.boolean().optional().catch(undefined),
  bindable: z.boolean().optional().catch(undefined),
  maximum_polling_duration: z.int().min(1).optional().catch(undefined),
})
const serviceSchema = z.object({
  id: nameSchema,
  name: nameSchema,
  description: z.string().max(5000).optional().catch(undefined),
  bindable: z.boolean(),
  plans: z.array(planSchema).max(1000),
})
const catalogSchema = z.object({ services: z.array(serviceSchema).max(1000) })

/** A service of a catalog. */
export interface CatalogService {
  id: string
  name: string
  description: string | undefined
  /** Whether the broker may be asked for instances of it. */
  isAllowed: boolean
  plans: CatalogPlan[]
}

/** A service plan of a catalog. */
export interface CatalogPlan {
  id: string
  name: string
  description: string | undefined
  isFree: boolean
  isBindable: boolean
  /** The longest time that its operations may take. */
  maximumPollingSeconds: number | undefined
}

/**
 * Reads the catalog of a service broker.
 *
 * @throws {RequestError} `conflict`, in one sentence that says what does not work.
 */
export async function readCatalog(
  context: Pick<Context, 'settings'>,
  broker: ServiceBroker,
  signal: AbortSignal,
): Promise<CatalogService[]> {
  const { reply, body, words } = await callBroker(context, broker, { method: 'GET', path: '/v2/catalog' }, signal)
  const about = `The service broker ${JSON.stringify(broker.name)}`
  if (reply.kind !== 'answer' || reply.status !== 200) {
    throw new RequestError('conflict', `${about} ${words}${hintFor(reply)}.`)
  }
  const read = catalogSchema.safeParse(body)
  if (!read.success) throw new RequestError('conflict', `${about} answered without a valid catalog.`)
  return read.data.services.map(({ bindable, plans, ...service }) => ({
    id: service.id,
    name: service.name,
    description: service.description,
    isAllowed:
      broker.services === undefined || broker.services.some((each) => each === service.id || each === service.name),
    plans: plans.map((plan) => ({
      id: plan.id,
      name: plan.name,
      description: plan.description,
      isFree: plan.free ?? true,
      isBindable: plan.bindable ?? bindable,
      maximumPollingSeconds: plan.maximum_polling_duration,
    })),
  }))
}

function hintFor(reply: { kind: string; status?: number }): string {
  if (reply.status === 401) return ': check username and password'
  if (reply.status === 412) return ': it does not support version 2.17 of the Open Service Broker API'
  return ''
}

/** A plan that instances are requested of. */
export interface ChosenPlan {
  service: CatalogService
  plan: CatalogPlan
}

/**
 * Chooses a service plan of a catalog by name or id.
 *
 * @throws {RequestError} `invalid`, if there is no such service or plan, or it is not allowed.
 */
export function choosePlan(services: readonly CatalogService[], service: string, plan: string): ChosenPlan {
  const found = services.find((each) => each.id === service) ?? services.find((each) => each.name === service)
  if (found === undefined) throw noSuch('service', service, services, 'service')
  if (!found.isAllowed) {
    const message = `The service ${JSON.stringify(found.name)} is not among those that this service broker may be asked for.`
    throw new RequestError('invalid', message, { field: 'service' })
  }
  const chosen = found.plans.find((each) => each.id === plan) ?? found.plans.find((each) => each.name === plan)
  if (chosen === undefined) throw noSuch('service plan', plan, found.plans, 'servicePlan')
  return { service: found, plan: chosen }
}

function noSuch(what: string, wanted: string, known: readonly { name: string }[], field: string): RequestError {
  const names = known.slice(0, 10).map(({ name }) => name)
  const hint = names.length === 0 ? 'it offers none' : `it offers ${names.join(', ')}`
  return new RequestError('invalid', `The service broker offers no ${what} ${JSON.stringify(wanted)}: ${hint}.`, {
    field,
  })
}
