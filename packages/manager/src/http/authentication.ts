import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Call } from '../access/call.ts'
import type { Caller, IdentifyCaller } from '../access/caller.ts'
import { recordCall } from '../audit/service.ts'
import { identifyBroker } from '../broker-accounts/service.ts'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { includesRole, type Role } from '../shared/role.ts'
import { identifyToken } from '../tokens/service.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role that may call the route; `open` serves every caller. A route that does not say is for admins. */
    access?: Role | 'open'
    /** Whether broker accounts may call it: they deprovision, and do nothing else. */
    brokers?: boolean
  }
  interface FastifyRequest {
    /** Who calls, and what the audit log records of it. Set on every route that is not open. */
    call: Call
  }
}

/**
 * How often authentication may fail within a minute. Tokens are too long to be guessed, so a valid one is accepted whatever
 * else comes from its address: no caller can lock out the others behind one gateway. Passwords of brokers are chosen by people,
 * so a name that is being guessed from an address is refused without being looked up.
 */
const BEARER_FAILURES = { points: 60, duration: 60 }
const BASIC_FAILURES = { points: 10, duration: 60 }

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
  const failures = { bearer: new RateLimiterMemory(BEARER_FAILURES), basic: new RateLimiterMemory(BASIC_FAILURES) }
  // The hook below sets it before any handler of a closed route runs.
  app.decorateRequest('call', undefined as unknown as Call)

  app.addHook('onRequest', async (request) => {
    const { access = 'admin', brokers = false } = request.routeOptions.config ?? {}
    if (access === 'open') return
    const caller = await identify(context, request, failures, identifyUser)
    // Before the refusal: the audit log records who tried.
    request.call = callOf(request, caller)
    if (caller.onlyDeprovisions ? !brokers : !includesRole(caller.role, access)) {
      const role = caller.onlyDeprovisions ? 'a broker' : caller.role
      throw new RequestError('forbidden', `This needs the role ${access}; ${JSON.stringify(caller.name)} is ${role}.`)
    }
  })

  app.addHook('onSend', async (request, reply) => {
    await recordOutcome(context, request, reply)
  })
}

async function recordOutcome(context: Context, { call }: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (call === undefined || call.use === 'read') return
  if (call.audit.isRecorded && reply.statusCode < 400) return
  call.audit.isRecorded = true
  const recorded = recordCall(context, call, reply.statusCode).catch((error: unknown) =>
    context.log.error({ err: error, path: call.audit.path }, 'writing an audit entry failed'),
  )
  // The answer that the database is unavailable does not wait for it.
  if (reply.statusCode !== 503) await recorded
}

function callOf(request: FastifyRequest, caller: Caller): Call {
  const path = (request.url.split('?', 1)[0] ?? '').slice(0, 2000)
  return {
    caller,
    use: readMethods.has(request.method) ? 'read' : 'change',
    audit: {
      address: request.ip,
      action: `${request.method} ${request.routeOptions.url ?? path}`,
      path,
      status: successStatusOf(request),
      instanceId: undefined,
      isRecorded: false,
    },
  }
}

/** The status that a route answers when it succeeds, according to its schema. */
function successStatusOf({ routeOptions }: FastifyRequest): number {
  const { response = {} } = (routeOptions.schema ?? {}) as { response?: Record<string, unknown> }
  return Number(Object.keys(response).find((status) => status.startsWith('2')) ?? 200)
}

type Failures = Record<'bearer' | 'basic', RateLimiterMemory>

async function identify(
  context: Context,
  { headers: { authorization }, ip }: FastifyRequest,
  failures: Failures,
  identifyUser: IdentifyCaller | undefined,
): Promise<Caller> {
  if (authorization === undefined) {
    throw new RequestError('unauthorised', 'A token is required: send "Authorization: Bearer <token>".')
  }
  const [, scheme = '', credentials = ''] = /^(\w+) ([\x21-\x7e]{1,8192})$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'basic') {
    const decoded = Buffer.from(credentials, 'base64').toString('utf8')
    const [, name = '', password = ''] = /^([^:]*):(.*)$/s.exec(decoded) ?? []
    const key = `${ip} ${name}`
    const state = await failures.basic.get(key)
    if (state !== null && state.remainingPoints <= 0) throw tooMany(state.msBeforeNext)
    return (await identifyBroker(context, name, password)) ?? (await refuse(failures.basic, key))
  }
  const caller =
    scheme.toLowerCase() === 'bearer'
      ? ((await identifyToken(context, credentials)) ?? (await identifyUser?.(credentials)))
      : undefined
  return caller ?? (await refuse(failures.bearer, ip))
}

/** Counts a failure and refuses the call; with a wait, once there were too many. */
async function refuse(failures: RateLimiterMemory, key: string): Promise<never> {
  await failures.consume(key).catch((refused: unknown) => {
    throw refused instanceof RateLimiterRes ? tooMany(refused.msBeforeNext) : refused
  })
  throw new RequestError('unauthorised', 'These credentials are not valid here.')
}

function tooMany(waitMs: number): RequestError {
  const seconds = Math.ceil(waitMs / 1000)
  return new RequestError('slow-down', `Too many failed attempts from this address; try again in ${seconds} seconds.`, {
    retryAfterSeconds: seconds,
  })
}
