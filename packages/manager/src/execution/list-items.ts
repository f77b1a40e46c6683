import { err, isDeclaredItem, ok, type Result } from '@osb-backup/core'
import type { FailureCode } from '@osb-backup/protocol'
import { listItemsAtAgent } from '../agents/agent-queries.ts'
import { findAgent } from '../agents/repository.ts'
import type { Context } from '../context/context.ts'
import { type AgentPlace, agentPlaces, type ServiceInstance } from '../instances/instance.ts'
import { findUndeclaredItem } from '../items/service.ts'
import { PartFailure } from './agent-contact.ts'
import { itemsRequest } from './agent-request.ts'
import { withDatabaseCredentials } from './database-credentials.ts'
import { electPlace, isCluster } from './elect-agent.ts'

/** Why there is no list. */
export interface ListProblem {
  reason: string
  code: FailureCode
  /** It may be over in a moment. */
  isTemporary: boolean
}

type ListContext = Pick<Context, 'database' | 'sealer' | 'settings' | 'credHub' | 'agentConnections'>

/**
 * Asks the agent of an instance what can be backed up. Of a cluster, the one that would be elected for a backup; if it cannot list,
 * the next one.
 */
export async function listItems(
  context: ListContext,
  registered: ServiceInstance,
  signal: AbortSignal,
): Promise<Result<string[], ListProblem>> {
  try {
    const instance = await withDatabaseCredentials(context, registered, signal)
    const passedOver = new Set<string>()
    let problem: ListProblem | undefined
    for (const _each of agentPlaces(instance)) {
      const place = await choosePlace(context, instance, passedOver, signal)
      if (typeof place === 'string')
        return err(problem ?? { reason: place, code: 'agent-unreachable', isTemporary: true })
      if (passedOver.has(place.agentId)) break
      const listed = await listItemsOf(context, instance, place, signal)
      if (listed.ok) return listed
      problem ??= listed.error
      passedOver.add(place.agentId)
    }
    return err(problem ?? { reason: 'The instance has no agent.', code: 'other', isTemporary: false })
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error
    return err({ reason: error.message, code: error.code, isTemporary: false })
  }
}

/** The agent that is asked next; or why there is none. */
async function choosePlace(
  context: ListContext,
  instance: ServiceInstance,
  passedOver: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<AgentPlace | string> {
  const [only] = agentPlaces(instance)
  if (!isCluster(instance) && only !== undefined) return only
  const election = await electPlace(context, instance, { kind: 'backup', passedOver }, signal)
  return election.result === 'elected' ? election.place : `No agent can list the items: ${election.reason}.`
}

async function listItemsOf(
  { agentConnections, database, sealer }: ListContext,
  instance: ServiceInstance,
  place: AgentPlace,
  signal: AbortSignal,
): Promise<Result<string[], ListProblem>> {
  const { agent } = instance
  const asked = place.agentId === agent.id ? agent : await findAgent({ database, sealer }, place.agentId)
  if (asked === undefined) return err({ reason: 'The agent was deleted.', code: 'other', isTemporary: false })
  const body = itemsRequest({ instance, ...place })
  const dispatcher = agentConnections.dispatcherFor(asked.id)
  const answer = await listItemsAtAgent(asked, body, { signal, dispatcher })
  if (answer.kind === 'items') return ok(answer.items)
  const code = {
    unreachable: 'agent-unreachable',
    busy: 'agent-busy',
    refused: 'agent-rejected',
    failed: 'other',
  } as const
  return err({
    reason: `The agent at ${asked.url} did not list the items: ${answer.reason}.`,
    code: code[answer.kind],
    isTemporary: answer.kind === 'unreachable' || answer.kind === 'busy',
  })
}

/** What the agent of an instance lists and the instance may use; or why that is not known, as a sentence. */
export type GrantedItems = Result<string[]>

/** How long somebody who looks at the items of an instance waits for its agent. */
const LOOK_LIMIT_MS = 10_000

/** Lists what an instance may back up of what there is. */
export async function listGrantedItems(context: ListContext, instance: ServiceInstance): Promise<GrantedItems> {
  const grant = await findGrant(context, instance)
  if (!grant.ok) return grant
  const limit = AbortSignal.timeout(LOOK_LIMIT_MS)
  try {
    const listed = await listItems(context, instance, limit)
    if (!listed.ok) return err(listed.error.reason)
    const { value: granted } = grant
    return ok(granted === undefined ? listed.value : listed.value.filter((item) => isDeclaredItem(item, granted)))
  } catch (error) {
    if (!limit.aborted) throw error
    return err(`The agent at ${instance.agent.url} did not answer within ${LOOK_LIMIT_MS / 1000} seconds.`)
  }
}

/** What an instance may use at most: names and patterns, or undefined for everything; or why nothing. */
export async function findGrant(
  context: Pick<ListContext, 'database' | 'settings'>,
  instance: ServiceInstance,
): Promise<Result<readonly string[] | undefined>> {
  if (instance.items !== undefined) return ok(instance.items)
  const problem = await findUndeclaredItem(context, instance, ['*'])
  return problem === undefined ? ok(undefined) : err(problem)
}
