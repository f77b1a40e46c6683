/** How a service plan of the broker does what it is asked for. */
export interface BrokerPlan {
  id: string
  name: string
  description: string
  /** Provisions and deprovisions in the background, and answers 202. */
  isAsync: boolean
  /** Binds and unbinds in the background. */
  bindsAsync: boolean
  bindable: boolean
}

export const SERVICE_ID = '7f4f0d2a-3a56-4a0e-8a3c-5d0e6f1b2c31'
const SERVICE_NAME = 'postgresql'

/** The service plans, by name. */
export const brokerPlans = {
  small: plan('small', 'c1c5a0b4-0f4e-4b43-9a53-0b8f7f1d2e01', 'A database, at once', {}),
  large: plan('large', 'c1c5a0b4-0f4e-4b43-9a53-0b8f7f1d2e02', 'A database, in the background', { isAsync: true }),
  cluster: plan('cluster', 'c1c5a0b4-0f4e-4b43-9a53-0b8f7f1d2e03', 'A database and bindings, in the background', {
    isAsync: true,
    bindsAsync: true,
  }),
  unbound: plan('unbound', 'c1c5a0b4-0f4e-4b43-9a53-0b8f7f1d2e04', 'A database without bindings', { bindable: false }),
} as const

function plan(name: string, id: string, description: string, fields: Partial<BrokerPlan>): BrokerPlan {
  return { id, name, description, isAsync: false, bindsAsync: false, bindable: true, ...fields }
}

/** What `GET /v2/catalog` answers. @param maximumPollingSeconds - Of every plan; undefined: no limit. */
export function catalogOf(maximumPollingSeconds: number | undefined) {
  const plans = Object.values(brokerPlans).map(({ id, name, description, bindable }) => ({
    ...{ id, name, description, bindable, free: true, plan_updateable: false },
    ...(maximumPollingSeconds === undefined ? {} : { maximum_polling_duration: maximumPollingSeconds }),
  }))
  const service = {
    id: SERVICE_ID,
    name: SERVICE_NAME,
    description: 'PostgreSQL databases on a shared server',
    bindable: true,
    instances_retrievable: true,
    bindings_retrievable: true,
    plans,
  }
  return { services: [service] }
}
