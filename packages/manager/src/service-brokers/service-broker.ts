/** A service broker that the manager asks for instances, as a platform does. */
export interface ServiceBroker {
  id: string
  /** Incremented by every change; 0 before it is stored. */
  version: number
  name: string
  /** Without `/v2`. */
  url: string
  username: string
  /** Undefined: it was lost with the key that sealed it. */
  password: string | undefined
  /** PEM, in addition to the authorities of the system. */
  caCertificate: string | undefined
  /** Names or ids of the services that may be provisioned; undefined: all. */
  services: readonly string[] | undefined
  maxInstances: number
  requestTimeoutSeconds: number
  operationTimeoutSeconds: number
  /** Whether it registers its instances at this manager by itself. */
  registersInstances: boolean
  /** The agent of instances that it does not register; undefined: that of the source. */
  agentId: string | undefined
  /** Undefined: that of the source. */
  organizationGuid: string | undefined
  spaceGuid: string | undefined
  createdAt: Date
}

/** What a new service broker is registered with. */
export type NewServiceBroker = Omit<ServiceBroker, 'id' | 'version' | 'createdAt'>

/** What counts where a request says nothing. */
export const BROKER_DEFAULTS = {
  maxInstances: 5,
  requestTimeoutSeconds: 60,
  operationTimeoutSeconds: 3600,
  registersInstances: true,
} as const
