import {
  type AgentRestoreRequest,
  DRILL_CAPABILITY,
  lockedDatabaseSchema,
  reportedPackSchema,
} from '@osb-backup/protocol'
import { z } from 'zod'
import { type AgentAddress, type AgentAnswer, credentialsRefused, parsed, readBounded } from './agent-answer.ts'
import { type AgentCall, reasonOf, sendToAgent } from './agent-transport.ts'
import { storable } from './storable.ts'

const STATUS_TIMEOUT_MS = 10_000
/** How much of what an agent reports to be wrong with its settings is stored. */
const MAX_PROBLEM_LENGTH = 1000
const MAX_DISKS = 20
const diskBytesSchema = z
  .record(z.string().max(100), z.number().nonnegative())
  .refine((sizes) => Object.keys(sizes).length <= MAX_DISKS)
  .catch({})

/** What the manager reads of an agent's status. Old agents report a message alone, and none is trusted with its size. */
const agentHealthReportSchema = z.looseObject({
  message: z.string(),
  version: z.string().max(100).optional().catch(undefined),
  capabilities: z.array(z.string().max(100)).max(200).catch([]),
  /** Why it accepts no new jobs until its settings are corrected. */
  start_problem: z
    .string()
    .transform((text) => text.slice(0, MAX_PROBLEM_LENGTH))
    .optional()
    .catch(undefined),
  /** Its time of day. */
  time: z.iso.datetime({ offset: true }).optional().catch(undefined),
  /** File systems by the setting that names a directory in them. */
  free_disk_bytes: diskBytesSchema,
  disk_size_bytes: diskBytesSchema,
  /** Agents that report none have one pack at most, and ignore which one a request names. */
  packs: z.array(reportedPackSchema).max(1000).catch([]),
  /** Undefined: the agent does not report it. */
  locked_databases: z.array(lockedDatabaseSchema).max(10_000).optional().catch(undefined),
})
export type AgentHealthReport = z.infer<typeof agentHealthReportSchema>

/**
 * Whether an agent can do what a request asks for: it has the script pack, and knows drills. One that does not know packs or drills
 * would ignore that a request speaks of them.
 */
export async function checkAgentFor(
  address: AgentAddress,
  { pack, drill }: Pick<AgentRestoreRequest, 'pack' | 'drill'>,
  call: Pick<AgentCall, 'signal' | 'dispatcher'>,
): Promise<Extract<AgentAnswer, { kind: 'refused' | 'unreachable' }> | undefined> {
  if (pack === undefined && drill === undefined) return undefined
  const answer = await statusOfAgent(address, call)
  if (answer.kind === 'failed') return { kind: 'unreachable', reason: answer.reason, mayHaveArrived: false }
  if (drill !== undefined && !answer.status.capabilities.includes(DRILL_CAPABILITY)) {
    const { version } = answer.status
    const reason = `${version === undefined ? 'it' : `it has version ${version}, which`} does not support drills: upgrade it`
    return { kind: 'refused', reason }
  }
  if (pack === undefined) return undefined
  const found = answer.status.packs.find(({ name }) => name === pack)
  if (found === undefined) return { kind: 'refused', reason: `it has no script pack ${JSON.stringify(pack)}` }
  return found.problem === undefined ? undefined : { kind: 'refused', reason: found.problem }
}

/** Asks an agent how it is. Answers within seconds, also if the agent does not. */
export async function statusOfAgent(
  address: AgentAddress,
  { signal, dispatcher }: Pick<AgentCall, 'signal' | 'dispatcher'>,
): Promise<{ kind: 'status'; status: AgentHealthReport } | { kind: 'failed'; reason: string }> {
  try {
    const { statusCode, body } = await sendToAgent(address, 'GET', '/status', undefined, {
      signal,
      dispatcher,
      timeoutMs: STATUS_TIMEOUT_MS,
    })
    const text = await readBounded(body)
    if (statusCode === 401 || statusCode === 403) return { kind: 'failed', reason: credentialsRefused(address) }
    if (statusCode !== 200) return { kind: 'failed', reason: `it answered ${statusCode}` }
    const read = agentHealthReportSchema.safeParse(storable(parsed(text)))
    return read.success
      ? { kind: 'status', status: read.data }
      : { kind: 'failed', reason: 'what answers is not an agent' }
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'failed', reason: reasonOf(error, STATUS_TIMEOUT_MS) }
  }
}
