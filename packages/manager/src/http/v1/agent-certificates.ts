import {
  agentCertificateSchema,
  certificateRenewalSchema,
  certificateRequestSchema,
  enrolmentSchema,
  type AgentCertificate as WireCertificate,
} from '@osb-backup/protocol/v1'
import type { FastifyRequest } from 'fastify'
import { AttemptLimits } from '../../access/attempts.ts'
import { grantedCaller } from '../../access/caller.ts'
import { createEnrolment, type DescribeCall, enrol, type IssuedCertificate, renew } from '../../agents/enrolment.ts'
import { FailedAttempts } from '../../audit/failed-attempts.ts'
import type { Context } from '../../context/context.ts'
import { RequestError } from '../../shared/request-error.ts'
import { actionOf, callOf, pathOf } from '../authentication.ts'
import type { App } from '../typed-app.ts'
import { idParams as params } from './params.ts'

/** Largest body of the routes that are open to everybody. */
const OPEN_BODY_LIMIT_BYTES = 16 * 1024

/** Enrolment: agents get their certificates from the CA of the manager. */
export function agentCertificateRoutes(app: App, context: Context): void {
  const admit = createAdmission(app, context)

  app.post(
    '/v1/agents/:id/enrolment',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Create the token with which an agent gets its certificate; it is shown only once',
        params,
        response: { 201: enrolmentSchema },
      },
    },
    async (request, reply) => {
      const { expiresAt, ...created } = await createEnrolment(context, request.call, request.params.id)
      return reply.code(201).send({ ...created, expiresAt: expiresAt.toISOString() })
    },
  )

  app.post(
    '/v1/agent-certificates',
    {
      bodyLimit: OPEN_BODY_LIMIT_BYTES,
      config: { access: 'open' },
      schema: {
        summary: 'Issue the certificate of an agent, for its token; called by agents',
        body: certificateRequestSchema,
        response: { 201: agentCertificateSchema },
      },
    },
    async (request, reply) => {
      const { body } = request
      const issued = await admit(request, body.token, (describe) => enrol(context, describe, body))
      return reply.code(201).send(toWire(issued))
    },
  )

  app.post(
    '/v1/agent-certificates/renew',
    {
      bodyLimit: OPEN_BODY_LIMIT_BYTES,
      config: { access: 'open' },
      schema: {
        summary: 'Renew the certificate of an agent, which signs the request with its key; called by agents',
        body: certificateRenewalSchema,
        response: { 201: agentCertificateSchema },
      },
    },
    async (request, reply) => {
      const { body } = request
      const issued = await admit(request, body.signature, (describe) => renew(context, describe, body))
      return reply.code(201).send(toWire(issued))
    },
  )
}

/** Creates a function that issues certificates within the limits of attempts to authenticate, and records those that fail. */
function createAdmission(app: App, context: Context) {
  const limits = new AttemptLimits<IssuedCertificate>()
  const failedAttempts = new FailedAttempts(context)
  app.addHook('onClose', () => failedAttempts.flush())
  return async (
    request: FastifyRequest,
    credential: string,
    issue: (describe: DescribeCall) => Promise<IssuedCertificate | undefined>,
  ): Promise<IssuedCertificate> => {
    const attempt = { address: request.ip, name: undefined, credential }
    const outcome = await limits.authenticate(attempt, () => issue((agent) => callOfAgent(request, agent)))
    if ('caller' in outcome) return outcome.caller
    const isLimited = outcome.refused === 'too-many'
    await failedAttempts.record({
      address: request.ip,
      name: '',
      action: actionOf(request),
      path: pathOf(request),
      status: isLimited ? 429 : 401,
    })
    if (!isLimited) {
      const message = 'There is no such token or certificate: it was used, has expired, or was replaced.'
      throw new RequestError('unauthorised', message)
    }
    const retryAfterSeconds = Math.ceil(outcome.waitMs / 1000)
    const message = `Too many failed attempts from this address; try again in ${retryAfterSeconds} seconds.`
    throw new RequestError('slow-down', message, { retryAfterSeconds })
  }
}

function callOfAgent(request: FastifyRequest, { id, name = id }: { id: string; name: string | undefined }) {
  const access = { role: 'viewer', permissions: [], onlyDeprovisions: false, validForMs: undefined } as const
  return callOf(request, grantedCaller({ kind: 'agent', id, name, ...access }, []))
}

const toWire = ({ expiresAt, ...issued }: IssuedCertificate): WireCertificate => ({
  ...issued,
  expiresAt: expiresAt.toISOString(),
})
