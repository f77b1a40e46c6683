import {
  type Agent,
  type AgentCreate,
  type AgentPatch,
  type AgentQuery,
  agentSchema,
  type Enrolment,
  enrolmentSchema,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions } from '../connection.ts'
import { deleteCall, editCalls, listCalls, pathOf } from './resource.ts'

const path = '/v1/agents'

/** Calls about agents. */
export const agentCalls = (connection: Connection) => ({
  ...listCalls<Agent, AgentQuery>(connection, path, agentSchema),
  ...editCalls<Agent, AgentPatch>(connection, path, agentSchema),
  /** Registers an agent. */
  create: (agent: AgentCreate, options: CreateOptions = {}): Promise<Agent> =>
    connection.call({ method: 'POST', path, body: agent, answer: agentSchema, ...options }),
  /** Asks the agent now whether it is reachable. */
  check: (id: string, options: CallOptions = {}): Promise<Agent> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'check'), answer: agentSchema, ...options }),
  /** Creates the token with which the agent gets its certificate; its expiry and the fingerprint of the CA come with it. */
  enrol: (id: string, options: CallOptions = {}): Promise<Enrolment> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'enrolment'), answer: enrolmentSchema, ...options }),
  /** Deletes an agent that no instance uses. */
  delete: deleteCall(connection, path),
})
