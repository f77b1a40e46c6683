import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Fixture } from '../fixtures/fixture.ts'
import { type AgentAccess, registerInstance } from '../fixtures/register-instance.ts'
import { checkAnswer } from './osb-schemas.ts'

export const SERVICE = '4f0d6f0a-6c0f-4a40-9a52-1f7f0f4f8a11'
export const DAILY = '9a1d7a6e-20c5-4f4f-8e0b-63c5f6a1d0d1'
export const HOURLY = 'c2b3f0b5-2d0e-4b07-9d7c-5a8e0d1b6c22'
const PASSWORD = 'a password of a platform'

/** An answer of the broker. */
export interface BrokerAnswer {
  status: number
  headers: Headers
  body: ReturnType<JSON['parse']>
}

/** What a request is sent with besides its body; undefined leaves a header out. */
export type SentHeaders = Record<string, string | undefined>

/** A platform with an account at the broker. Every answer that it gets is compared with the specification. */
export class Platform {
  readonly authorization: string
  readonly #url: () => string

  constructor(url: () => string, name: string) {
    this.#url = url
    this.authorization = `Basic ${btoa(`${name}:${PASSWORD}`)}`
  }

  /** Creates its account. */
  static async create(
    fixture: Pick<Fixture, 'client' | 'manager'>,
    name: string,
    instances: 'all' | string[] = 'all',
  ): Promise<Platform> {
    await fixture.client.brokerAccounts.create({ name, password: PASSWORD, instances })
    return new Platform(() => fixture.manager.url, name)
  }

  async call(method: string, path: string, body?: unknown, headers: SentHeaders = {}): Promise<BrokerAnswer> {
    const sent: SentHeaders = {
      authorization: this.authorization,
      'x-broker-api-version': '2.17',
      // Bytes are sent without a type.
      ...(body === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }
    const response = await fetch(this.#url() + path, {
      method,
      headers: Object.entries(sent).filter((header): header is [string, string] => header[1] !== undefined),
      body: body === undefined ? null : isRaw(body) ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    checkAnswer(method, path, answer.status, answer.body)
    return answer
  }

  provision(id: string, fields: object, { query = '', headers = {} }: { query?: string; headers?: SentHeaders } = {}) {
    return this.call('PUT', `${pathOf(id)}${query}`, { ...base, ...fields }, headers)
  }

  update(id: string, fields: object, headers: SentHeaders = {}) {
    return this.call('PATCH', pathOf(id), { service_id: SERVICE, ...fields }, headers)
  }

  fetch(id: string) {
    return this.call('GET', pathOf(id))
  }

  deprovision(id: string, query = `service_id=${SERVICE}&plan_id=${DAILY}&accepts_incomplete=true`) {
    return this.call('DELETE', `${pathOf(id)}?${query}`)
  }

  lastOperation(id: string, query = '') {
    return this.call('GET', `${pathOf(id)}/last_operation${query}`)
  }

  bind(id: string, binding: string, fields: object = {}) {
    return this.call('PUT', bindingPathOf(id, binding), { service_id: SERVICE, plan_id: DAILY, ...fields })
  }

  unbind(id: string, binding: string, query = `service_id=${SERVICE}&plan_id=${DAILY}`) {
    return this.call('DELETE', `${bindingPathOf(id, binding)}?${query}`)
  }

  fetchBinding(id: string, binding: string) {
    return this.call('GET', bindingPathOf(id, binding))
  }
}

const isRaw = (body: unknown): body is string | Uint8Array<ArrayBuffer> =>
  typeof body === 'string' || body instanceof Uint8Array

export const pathOf = (id: string) => `/v2/service_instances/${encodeURIComponent(id)}`
export const bindingPathOf = (id: string, binding: string) =>
  `${pathOf(id)}/service_bindings/${encodeURIComponent(binding)}`

/** The space in which instances are registered and provisioned. */
export const SPACE = 'space-of-the-shop'

const base = {
  service_id: SERVICE,
  plan_id: DAILY,
  organization_guid: 'organization-of-the-shop',
  space_guid: SPACE,
  context: { platform: 'cloudfoundry', instance_name: 'backups of the shop' },
}

/** Registers a database of the space, at a host of its own. Returns its id. */
export async function registerDatabase(
  { client }: Pick<Fixture, 'client'>,
  agent: AgentAccess,
  fields: { spaceGuid?: string; items?: string[]; parameters?: Record<string, string> } = {},
): Promise<string> {
  const id = randomUUID()
  const { items = ['shop'], ...others } = fields
  const hosts = [{ address: `${id}.example`, port: 5432 }]
  await registerInstance(client, id, agent, { hosts, spaceGuid: SPACE, items, ...others })
  return id
}

/** Provisions an instance that protects a database. Returns its id. */
export async function protect(platform: Platform, database: string, parameters: object = {}): Promise<string> {
  const id = randomUUID()
  const answer = await platform.provision(id, { parameters: { service_instance: database, ...parameters } })
  expect([answer.status, answer.body.description]).toEqual([201, undefined])
  return id
}
