import {
  type AgentCreate,
  agentCreateSchema,
  agentPatchSchema,
  agentQuerySchema,
  agentSchema,
  listOf,
  type Agent as WireAgent,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Agent } from '../../agents/agent.ts'
import { checkAgent } from '../../agents/check-agents.ts'
import { countInstances, createAgent, deleteAgent, getAgent, searchAgents, updateAgent } from '../../agents/service.ts'
import type { Context } from '../../context/context.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { isSameOrigin, patched } from './edits.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** Agents: registered, changed, checked and deleted. */
export function agentRoutes(app: App, context: Context): void {
  const toWireAll = async (agents: readonly Agent[]): Promise<(agent: Agent) => WireAgent> => {
    const ids = agents.map((agent) => agent.id)
    const counts = await countInstances(context, ids)
    return (agent) => toWire(agent, counts.get(agent.id) ?? 0)
  }
  const oneToWire = async (agent: Agent) => (await toWireAll([agent]))(agent)

  app.get(
    '/v1/agents',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: { summary: 'List agents', querystring: agentQuerySchema, response: { 200: listOf(agentSchema) } },
    },
    async (request) => {
      const { state, q, ...paging } = request.query
      const isReachable = state && { reachable: true, unreachable: false, unknown: null }[state]
      const page = await searchAgents(context, request.call, { isReachable, text: q }, keysetOf(paging))
      return toList(page, await toWireAll(page.entries))
    },
  )

  app.get(
    '/v1/agents/:id',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: { summary: 'Show an agent', params, response: { 200: agentSchema } },
    },
    async (request, reply) => {
      const agent = await getAgent(context, request.call, request.params.id)
      sendVersion(reply, agent.version)
      return oneToWire(agent)
    },
  )

  app.post(
    '/v1/agents',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: {
        summary: 'Register an agent',
        headers: idempotencyKeyHeader,
        body: agentCreateSchema,
        response: { 201: agentSchema },
      },
    },
    async (request, reply) => {
      const agent = await createAgent(context, request.call, fromWire(request.body), parseIdempotencyKey(request))
      sendVersion(reply, agent.version)
      return reply
        .code(201)
        .header('Location', `/v1/agents/${agent.id}`)
        .send(await oneToWire(agent))
    },
  )

  app.patch(
    '/v1/agents/:id',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: {
        summary: 'Change an agent; another URL requires the password',
        headers: ifMatchHeader,
        params,
        body: agentPatchSchema,
        response: { 200: agentSchema },
      },
    },
    async (request, reply) => {
      const call = request.call
      const edited = editedVersion(request)
      const stored = await getAgent(context, call, request.params.id)
      const { name, label, url, username, password } = stored
      const settings = patched(agentCreateSchema, { name, label, url, username, password }, request.body)
      const isKept = request.body.password === undefined && !isSameOrigin(settings.url, url)
      const wanted = { ...stored, ...fromWire(isKept ? { ...settings, password: undefined } : settings) }
      const agent = await updateAgent(context, call, wanted, edited ?? stored.version)
      sendVersion(reply, agent.version)
      return oneToWire(agent)
    },
  )

  app.post(
    '/v1/agents/:id/check',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: { summary: 'Ask an agent now how it is', params, response: { 200: agentSchema } },
    },
    async (request) => {
      const agent = await getAgent(context, { ...request.call, use: 'read' }, request.params.id)
      const checked = await checkAgent(context, agent, AbortSignal.timeout(CHECK_TIMEOUT_MS))
      return oneToWire(checked.agent)
    },
  )

  app.delete(
    '/v1/agents/:id',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: { summary: 'Delete an agent that no service instance uses', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await deleteAgent(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

const CHECK_TIMEOUT_MS = 30_000

function toWire({ health, ...agent }: Agent, instanceCount: number): WireAgent {
  const { isReachable } = health
  return {
    id: agent.id,
    name: agent.name,
    label: agent.label,
    url: agent.url,
    username: agent.username,
    passwordSet: agent.password !== undefined,
    instanceCount,
    state: isReachable === undefined ? 'unknown' : isReachable ? 'reachable' : 'unreachable',
    error: health.error,
    startProblem: health.startProblem,
    clockSkewSeconds: health.skewSeconds,
    disks: [...health.disks],
    version: health.agentVersion,
    capabilities: health.capabilities,
    packs: health.packs,
    lastSeenAt: health.lastSeenAt?.toISOString(),
    lastCheckedAt: health.lastCheckedAt?.toISOString(),
    certificateExpiresAt: agent.certificateExpiresAt?.toISOString(),
    createdAt: agent.createdAt.toISOString(),
  }
}

function fromWire({ name, label, url, username, password }: AgentCreate) {
  return { name, label, url: url.replace(/\/+$/, ''), username, password }
}
