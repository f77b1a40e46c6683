import type { DatabaseAccount, ServerAccess } from './databases.ts'

/** The manager that a broker registers its instances at, with a token of the role broker. */
export interface RegisteringManager {
  url: string
  token: string
}

/** The agent beside the broker's server. */
export interface BrokerAgent {
  url: string
  username: string
  password: string
}

/** An instance as its broker knows it. */
export interface InstanceToRegister {
  id: string
  serviceId: string
  planId: string
  organizationGuid: string | undefined
  spaceGuid: string | undefined
  database: string
  account: DatabaseAccount
}

const CALL_TIMEOUT_MS = 30_000

/** Registers instances at a manager over its old paths, as brokers do. */
export class Registration {
  readonly #manager: RegisteringManager
  readonly #agent: BrokerAgent
  readonly #server: ServerAccess
  /** Passed to the scripts. */
  readonly #parameters: Record<string, string>

  constructor(
    manager: RegisteringManager,
    { agent, server, parameters }: { agent: BrokerAgent; server: ServerAccess; parameters: Record<string, string> },
  ) {
    this.#manager = manager
    this.#agent = agent
    this.#server = server
    this.#parameters = parameters
  }

  /** Registers an instance. @throws {Error} If the manager does not take it. */
  async register(instance: InstanceToRegister): Promise<void> {
    const { host, port, username: backupUsername, password: backupPassword } = this.#server
    await this.#call('PUT', `/serviceInstances/${instance.id}`, [200, 201], {
      service_id: instance.serviceId,
      plan_id: instance.planId,
      organization_guid: instance.organizationGuid,
      space_guid: instance.spaceGuid,
      items: [instance.database],
      hosts: [{ name: 'postgresql', ip: host, port, backup: true }],
      username: instance.account.username,
      password: instance.account.password,
      backupUsername,
      backupPassword,
      parameters: this.#parameters,
      agent: this.#agent,
    })
  }

  /** Deletes what belongs to an instance, and the instance. */
  async deregister(id: string): Promise<void> {
    for (const what of ['backupJobs', 'backupPlans', 'fileDestinations']) {
      await this.#call('DELETE', `/${what}/byInstance/${id}`, [200, 204, 404])
    }
    await this.#call('DELETE', `/serviceInstances/${id}`, [204, 404])
  }

  async #call(method: string, path: string, expected: readonly number[], body?: unknown): Promise<void> {
    const { url, token } = this.#manager
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    })
    const text = await response.text()
    if (!expected.includes(response.status))
      throw new Error(`the manager answered ${response.status} to ${method} ${path}: ${text}`)
  }
}
