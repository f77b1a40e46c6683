import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { catalogOf } from './catalog.ts'
import { BrokerDatabases, type ServerAccess } from './databases.ts'
import { type BrokerFault, BrokerFaults, type BrokerRequestName } from './faults.ts'
import { type BrokerAgent, type RegisteringManager, Registration } from './registration.ts'
import { creationOf, type Routed, readBody, routeOf, send } from './requests.ts'
import { type BrokerAnswer, BrokerService, refuse } from './service.ts'
import { BrokerState } from './state.ts'

/** How the broker is started. */
export interface BrokerOptions {
  server: ServerAccess
  /** Of the names of all databases and roles. */
  prefix: string
  username?: string
  password?: string
  port?: number
  /** Where instances are registered, and the agent beside the server. */
  registration?: { manager: RegisteringManager; agent: BrokerAgent; parameters?: Record<string, string> }
  /** How long an operation in the background takes at least. */
  operationMs?: number
  /** The longest time that the catalog lets platforms poll. */
  maximumPollingSeconds?: number
  /** What it knows survives a restart in this file. */
  stateFile?: string
  /** Whether faults can be controlled over HTTP. */
  hasControl?: boolean
}

/** A request that the broker got, and what it answered. */
export interface BrokerRequestRecord {
  request: BrokerRequestName
  instanceId: string | undefined
  bindingId: string | undefined
  /** 0: nothing. */
  status: number
  /** It hangs, after it was done or before. */
  isHeld: boolean
  headers: IncomingMessage['headers']
  query: Record<string, string>
  body: Record<string, unknown> | undefined
}

/**
 * A service broker (Open Service Broker API 2.17) that sells databases on a PostgreSQL server, at once and in the background, and can be
 * made to misbehave. It registers its instances at a manager, as brokers of this system do.
 */
export class PostgresqlBroker implements AsyncDisposable {
  readonly username: string
  readonly password: string
  readonly databases: BrokerDatabases
  /** What it got, the oldest first. */
  readonly requests: BrokerRequestRecord[] = []
  readonly #server: Server
  readonly #service: BrokerService
  readonly #faults = new BrokerFaults()
  readonly #catalog: Record<string, unknown>
  readonly #hasControl: boolean
  #stopped = new AbortController()

  private constructor(options: BrokerOptions, state: BrokerState) {
    const { server, prefix, registration, operationMs = 0 } = options
    this.username = options.username ?? 'platform'
    this.password = options.password ?? 'password-of-the-platform'
    this.databases = new BrokerDatabases(server, prefix)
    this.#hasControl = options.hasControl === true
    this.#catalog = catalogOf(options.maximumPollingSeconds)
    this.#service = new BrokerService({
      state,
      databases: this.databases,
      operationMs,
      registration:
        registration &&
        new Registration(registration.manager, {
          agent: registration.agent,
          server,
          parameters: registration.parameters ?? {},
        }),
    })
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(options: BrokerOptions): Promise<PostgresqlBroker> {
    const broker = new PostgresqlBroker(options, await BrokerState.open(options.stateFile))
    broker.#server.listen(options.port ?? 0, '127.0.0.1')
    await once(broker.#server, 'listening')
    return broker
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Makes the next requests of a kind misbehave. */
  fail(fault: BrokerFault): void {
    this.#faults.add(fault)
  }

  /** Ends all faults, also those that hang. */
  clearFaults(): void {
    this.#faults.clear()
    this.#stopped.abort()
    this.#stopped = new AbortController()
  }

  /** Stops. Databases and roles are dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.databases.dropAll()
  }

  /** Stops; what it sold stays. */
  async stop(): Promise<void> {
    this.clearFaults()
    this.#server.closeAllConnections()
    this.#server.close()
    await this.#service.settle()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url)
    if (this.#hasControl && url.pathname === '/control/faults') return this.#control(request, response)
    const routed = routeOf(request.method ?? '', url.pathname)
    if (routed === undefined) return send(response, refuse(404, 'There is no such path.'))
    const query = Object.fromEntries(url.searchParams)
    const body = await readBody(request)
    const { request: name, instanceId, bindingId } = routed
    const record: BrokerRequestRecord = {
      request: name,
      instanceId: instanceId || undefined,
      bindingId: bindingId || undefined,
      status: 0,
      isHeld: false,
      headers: request.headers,
      query,
      body,
    }
    this.requests.push(record)
    const answer = this.#refusal(request) ?? (await this.#answer(routed, record, response))
    if (answer === undefined) return
    record.status = answer.status
    send(response, answer)
  }

  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    if (!this.#isAuthorized(request)) return send(response, refuse(401, 'These credentials are not valid here.'))
    if (request.method === 'DELETE') this.clearFaults()
    else this.fail(body as unknown as BrokerFault)
    send(response, { status: 200, body: {} })
  }

  #isAuthorized({ headers }: IncomingMessage): boolean {
    const credentials = Buffer.from(`${this.username}:${this.password}`).toString('base64')
    return headers.authorization === `Basic ${credentials}`
  }

  #refusal(request: IncomingMessage): BrokerAnswer | undefined {
    const { headers, method } = request
    if (!this.#isAuthorized(request)) return refuse(401, 'These credentials are not valid here.')
    if (!/^2\.\d+$/.test(String(headers['x-broker-api-version'] ?? '')))
      return refuse(412, 'Use version 2.x of the API.')
    if (method === 'PUT' && !String(headers['content-type'] ?? '').startsWith('application/json')) {
      return refuse(400, 'The body must be JSON.')
    }
    return undefined
  }

  /** The answer, after the fault that the request has; undefined: there is none. */
  async #answer(
    routed: Routed,
    record: BrokerRequestRecord,
    response: ServerResponse,
  ): Promise<(BrokerAnswer & { text?: string; headers?: Record<string, string> }) | undefined> {
    const fault = this.#faults.take(routed.request)
    const failure = fault?.act.kind === 'fail-operation' ? fault.when : undefined
    const isDone = fault === undefined || fault.when === 'after' || ['delay', 'fail-operation'].includes(fault.act.kind)
    const done = isDone
      ? await this.#act(routed, record.query, record.body, failure).catch((error: Error) => refuse(500, error.message))
      : undefined
    switch (fault?.act.kind) {
      case 'answer': {
        const { status, body: sent = {}, headers = {} } = fault.act
        return { status, body: {}, headers, text: typeof sent === 'string' ? sent : JSON.stringify(sent) }
      }
      case 'reset':
        response.destroy()
        return undefined
      case 'hang':
        record.isHeld = true
        await sleep(2 ** 31 - 1, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined)
        response.destroy()
        return undefined
      case 'delay':
        await sleep(fault.act.milliseconds, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
        return done
      default:
        return done
    }
  }

  async #act(
    { request, instanceId, bindingId }: Routed,
    query: Record<string, string>,
    body: Record<string, unknown> | undefined,
    failure: 'before' | 'after' | undefined,
  ): Promise<BrokerAnswer> {
    const service = this.#service
    const removal = { acceptsIncomplete: query.accepts_incomplete === 'true', failure }
    const creation = { ...creationOf(body ?? {}), ...removal }
    const isUnnamed = query.service_id === undefined || query.plan_id === undefined
    switch (request) {
      case 'catalog':
        return { status: 200, body: this.#catalog }
      case 'provision':
        return body === undefined
          ? refuse(400, 'The body must be a JSON object.')
          : service.provision(instanceId, creation)
      case 'instance':
        return service.instance(instanceId)
      case 'deprovision':
        return isUnnamed
          ? refuse(400, 'service_id and plan_id are required.')
          : service.deprovision(instanceId, removal)
      case 'last-operation':
        return service.lastOperation(instanceId, query.operation)
      case 'bind':
        return body === undefined
          ? refuse(400, 'The body must be a JSON object.')
          : service.bind(instanceId, bindingId, creation)
      case 'binding':
        return service.binding(instanceId, bindingId)
      case 'unbind':
        return isUnnamed
          ? refuse(400, 'service_id and plan_id are required.')
          : service.unbind(instanceId, bindingId, removal)
      case 'binding-last-operation':
        return service.bindingLastOperation(instanceId, bindingId, query.operation)
    }
  }
}
