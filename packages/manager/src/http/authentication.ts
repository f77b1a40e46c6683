import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Attempt, AttemptLimits } from '../access/attempts.ts'
import type { Call } from '../access/call.ts'
import type { Caller, IdentifyCaller } from '../access/caller.ts'
import { FailedAttempts } from '../audit/failed-attempts.ts'
import { recordCall } from '../audit/service.ts'
import { BrokerAuthentication } from '../broker-accounts/authentication.ts'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { includesRole, type Role } from '../shared/role.ts'
import { identifyToken } from '../tokens/service.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role that may call the route; `open` serves every caller. A route that does not say is for admins. */
    access?: Exclude<Role, 'broker'> | 'open'
    /**
     * Whether brokers may call it: `registering` those with the role, who register instances; `deprovisioning` also broker
     * accounts; `platform` these alone, which are accounts of platforms then.
     */
    brokers?: 'registering' | 'deprovisioning' | 'platform'
    /** Whether reading it is recorded in the audit log, as changes are. */
    audited?: boolean
  }
  interface FastifyRequest {
    /** Who calls, and what the audit log records of it. Set on every route that is not open. */
    call: Call
  }
}

const readMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Admits only calls of a caller whose role allows the route. Services check which instances the caller was granted, by
 * `authorizeInstance`.
 *
 * Calls that may change something are recorded in the audit log: a change in its own transaction, and before the response is
 * sent every other one, such as one that was refused. A call that fails after its change was recorded, because a store refuses
 * to remove an object for example, is recorded once more with the status of the answer.
 *
 * @param identifyUser - Identifies users by bearer tokens of an identity provider. Undefined: there is none.
 */
export function authenticate(app: FastifyInstance, context: Context, identifyUser?: IdentifyCaller): void {
  const identify = createIdentification(context, identifyUser)
  const failedAttempts = new FailedAttempts(context)
  app.addHook('onClose', () => failedAttempts.flush())
  // The hook below sets it before any handler of a closed route runs.
  app.decorateRequest('call', undefined as unknown as Call)

  app.addHook('onRequest', async (request) => {
    const { access = 'admin', brokers } = request.routeOptions.config ?? {}
    if (access === 'open') return
    const caller = await identify(request).catch(async (error: unknown) => {
      await recordFailure(failedAttempts, request, error)
      throw error
    })
    // Before the refusal: the audit log records who tried.
    request.call = callOf(request, caller)
    // There is nothing to be allowed.
    if (request.is404) return
    if (isAllowed(caller, access, brokers)) return
    const role = caller.role === 'broker' ? 'a broker' : caller.role
    throw new RequestError('forbidden', `This needs the role ${access}; ${JSON.stringify(caller.name)} is ${role}.`)
  })

  app.addHook('onSend', async (request, reply) => {
    await recordOutcome(context, request, reply)
  })
}

function isAllowed(
  caller: Caller,
  access: Exclude<Role, 'broker'>,
  brokers: 'registering' | 'deprovisioning' | 'platform' | undefined,
): boolean {
  if (caller.onlyDeprovisions) return brokers === 'deprovisioning' || brokers === 'platform'
  if (caller.role === 'broker') return brokers === 'registering' || brokers === 'deprovisioning'
  return includesRole(caller.role, access)
}

async function recordFailure(failedAttempts: FailedAttempts, request: FastifyRequest, error: unknown): Promise<void> {
  if (!(error instanceof RequestError) || request.headers.authorization === undefined) return
  const { address, name = '' } = attemptOf(request)
  const status = error.code === 'slow-down' ? 429 : 401
  await failedAttempts.record({ address, name, action: actionOf(request), path: pathOf(request), status })
}

async function recordOutcome(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { call } = request
  const isAudited = call?.use === 'change' || request.routeOptions.config?.audited === true
  if (call === undefined || !isAudited) return
  if (call.audit.isRecorded && reply.statusCode < 400) return
  call.audit.isRecorded = true
  const recorded = recordCall(context, call, reply.statusCode).catch((error: unknown) =>
    context.log.error({ err: error, path: call.audit.path }, 'writing an audit entry failed'),
  )
  // The answer that the database is unavailable does not wait for it.
  if (reply.statusCode !== 503) await recorded
}

/** What the audit log records of a request. */
export function callOf(request: FastifyRequest, caller: Caller): Call {
  return {
    caller,
    use: readMethods.has(request.method) ? 'read' : 'change',
    audit: {
      address: request.ip,
      action: actionOf(request),
      path: pathOf(request),
      status: successStatusOf(request),
      instanceId: undefined,
      isRecorded: false,
    },
  }
}

export const pathOf = (request: FastifyRequest) => (request.url.split('?', 1)[0] ?? '').slice(0, 2000)
export const actionOf = (request: FastifyRequest) => `${request.method} ${request.routeOptions.url ?? pathOf(request)}`

/** The status that a route answers when it succeeds, according to its schema. */
function successStatusOf({ routeOptions }: FastifyRequest): number {
  const { response = {} } = (routeOptions.schema ?? {}) as { response?: Record<string, unknown> }
  return Number(Object.keys(response).find((status) => status.startsWith('2')) ?? 200)
}

/** Creates a function that identifies the caller of a request by its credential, within the limits of attempts. */
function createIdentification(context: Context, identifyUser: IdentifyCaller | undefined) {
  const limits = new AttemptLimits<Caller>()
  const brokers = new BrokerAuthentication(context)
  return async (request: FastifyRequest): Promise<Caller> => {
    if (request.headers.authorization === undefined) {
      throw new RequestError('unauthorised', 'A token is required: send "Authorization: Bearer <token>".')
    }
    const attempt = attemptOf(request)
    const outcome = await limits.authenticate(attempt, async () => {
      if (attempt.name !== undefined) return brokers.identify(attempt.name, attempt.password)
      if (attempt.token === undefined) return undefined
      return (await identifyToken(context, attempt.token)) ?? (await identifyUser?.(attempt.token))
    })
    if ('caller' in outcome) return outcome.caller
    if (outcome.refused === 'too-many') throw tooMany(outcome.waitMs)
    throw new RequestError('unauthorised', 'These credentials are not valid here.')
  }
}

type Credentials = { name: string; password: string } | { name: undefined; token: string | undefined }

/** What a request says of its caller; without name and token if it cannot be read. */
function attemptOf({ headers: { authorization = '' }, ip: address }: FastifyRequest): Attempt & Credentials {
  const [, scheme = '', credential = ''] = /^(\w+) ([\x21-\x7e]{1,8192})$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'basic') {
    const decoded = Buffer.from(credential, 'base64').toString('utf8')
    const [, name = '', password = ''] = /^([^:]*):(.*)$/s.exec(decoded) ?? []
    return { address, credential: authorization, name, password }
  }
  const token = scheme.toLowerCase() === 'bearer' ? credential : undefined
  return { address, credential: authorization, name: undefined, token }
}

function tooMany(waitMs: number): RequestError {
  const seconds = Math.ceil(waitMs / 1000)
  return new RequestError('slow-down', `Too many failed attempts from this address; try again in ${seconds} seconds.`, {
    retryAfterSeconds: seconds,
  })
}
