import { err, isDeclaredItem, ok, type Result } from '@osb-backup/core'
import type { FailureCode } from '@osb-backup/protocol'
import { listItemsAtAgent } from '../agents/agent-client.ts'
import type { Context } from '../context/context.ts'
import { backupHost, type ServiceInstance } from '../instances/instance.ts'
import { findUndeclaredItem } from '../items/service.ts'
import { PartFailure } from './agent-contact.ts'
import { itemsRequest } from './agent-request.ts'
import { withDatabaseCredentials } from './database-credentials.ts'

/** Why there is no list. */
export interface ListProblem {
  reason: string
  code: FailureCode
  /** It may be over in a moment. */
  isTemporary: boolean
}

type ListContext = Pick<Context, 'database' | 'settings' | 'credHub' | 'agentConnections'>

/** Asks the agent of an instance what can be backed up. */
export async function listItems(
  { credHub, agentConnections }: Pick<ListContext, 'credHub' | 'agentConnections'>,
  registered: ServiceInstance,
  signal: AbortSignal,
): Promise<Result<string[], ListProblem>> {
  let instance: ServiceInstance
  try {
    instance = await withDatabaseCredentials({ credHub }, registered, signal)
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error
    return err({ reason: error.message, code: error.code, isTemporary: false })
  }
  const { agent } = instance
  const { ip: host, port } = backupHost(instance.hosts)
  const body = itemsRequest({ instance, host, port: port ?? 0 })
  const answer = await listItemsAtAgent(agent, body, { signal, dispatcher: agentConnections.dispatcherFor(agent.id) })
  if (answer.kind === 'items') return ok(answer.items)
  const code = {
    unreachable: 'agent-unreachable',
    busy: 'agent-busy',
    refused: 'agent-rejected',
    failed: 'other',
  } as const
  return err({
    reason: `The agent at ${agent.url} did not list the items: ${answer.reason}.`,
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
