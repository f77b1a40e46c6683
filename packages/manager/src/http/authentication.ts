import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Caller } from '../access/caller.ts'
import { includesRole, type Role } from '../access/role.ts'
import { callerOfBroker } from '../broker-accounts/repository.ts'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { callerOfToken } from '../tokens/repository.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role that may call the route; `open` serves everybody. A route that says nothing is for admins. */
    access?: Role | 'open'
    /** Whether brokers' accounts may call it: they deprovision, and do nothing else. */
    brokers?: boolean
  }
  interface FastifyRequest {
    /** Who calls. Set on every route that is not open. */
    caller: Caller
  }
}

/**
 * How often proofs may fail within a minute. Tokens are too long to be guessed, so a valid one passes whatever else comes
 * from its address: nobody can lock out the others behind one gateway. Passwords of brokers are chosen by people, so a
 * name that is being guessed at from an address is not even looked at any more.
 */
const BEARER_FAILURES = { points: 60, duration: 60 }
const BASIC_FAILURES = { points: 10, duration: 60 }

/** Answers who calls, for one way of proving it; undefined where the proof is not valid. */
export type Identify = (authorization: string) => Promise<Caller | undefined>

/**
 * Lets no call through without a caller whose role is enough for the route. Which instances the caller may reach is
 * checked where the instance is known, by `needGrant`.
 *
 * @param identifyUser - Takes bearer tokens that are not ours: an identity provider's. Undefined: there are none.
 */
export function guard(app: FastifyInstance, context: Context, identifyUser?: Identify): void {
  const failures = { bearer: new RateLimiterMemory(BEARER_FAILURES), basic: new RateLimiterMemory(BASIC_FAILURES) }
  // The hook below sets it before any handler of a closed route runs.
  app.decorateRequest('caller', undefined as unknown as Caller)

  app.addHook('onRequest', async (request) => {
    const { access = 'admin', brokers = false } = request.routeOptions.config ?? {}
    if (access === 'open') return
    const caller = await identify(context, request, failures, identifyUser)
    // Before the refusal: the audit log tells who tried.
    request.caller = caller
    if (caller.onlyDeprovisions ? !brokers : !includesRole(caller.role, access)) {
      const role = caller.onlyDeprovisions ? 'a broker' : caller.role
      throw new RequestError('forbidden', `This needs the role ${access}; ${JSON.stringify(caller.name)} is ${role}.`)
    }
  })
}

type Failures = Record<'bearer' | 'basic', RateLimiterMemory>

async function identify(
  context: Context,
  { headers: { authorization }, ip }: FastifyRequest,
  failures: Failures,
  identifyUser: Identify | undefined,
): Promise<Caller> {
  if (authorization === undefined) {
    throw new RequestError('unauthorised', 'A token is needed: send "Authorization: Bearer <token>".')
  }
  const [, scheme = '', proof = ''] = /^(\w+) ([\x21-\x7e]{1,8192})$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'basic') {
    const [, name = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(proof, 'base64').toString('utf8')) ?? []
    const key = `${ip} ${name}`
    const state = await failures.basic.get(key)
    if (state !== null && state.remainingPoints <= 0) throw tooMany(state.msBeforeNext)
    return (await callerOfBroker(context, name, password)) ?? (await refuse(failures.basic, key))
  }
  const caller =
    scheme.toLowerCase() === 'bearer'
      ? ((await callerOfToken(context, proof, context.now())) ?? (await identifyUser?.(proof)))
      : undefined
  return caller ?? (await refuse(failures.bearer, ip))
}

/** Counts a failed proof and refuses it; with a wait, once there were too many. */
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
