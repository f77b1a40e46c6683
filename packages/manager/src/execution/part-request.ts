import { checksOfItem } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import {
  type AgentBackupRequest,
  type AgentDrill,
  type AgentRestoreRequest,
  DRILL_DATABASE_PREFIX,
} from '@osb-backup/protocol'
import { findCloneOfRestore } from '../clones/repository.ts'
import type { Context } from '../context/context.ts'
import { destinationsById } from '../destinations/service.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findUndeclaredItem } from '../items/service.ts'
import { findDrillOfRestore } from '../jobs/drills-repository.ts'
import {
  agentJobId,
  type BegunPart,
  type JobAtAgent,
  type JobLock,
  type PartAtAgent,
  prefixOfPlan,
  type RestorePart,
} from '../jobs/job.ts'
import { giveObjectName } from '../object-names/service.ts'
import { plansById } from '../plans/service.ts'
import { findPoint } from '../restore-points/repository.ts'
import { invariant } from '../shared/invariant.ts'
import { PartFailure } from './agent-contact.ts'
import { backupRequest, restoreRequest } from './agent-request.ts'
import { withDatabaseCredentials } from './database-credentials.ts'

/** One part to run, under which lock, and what stops running it here. */
export interface PartToRun {
  job: JobAtAgent
  part: PartAtAgent
  begun: BegunPart
  lock: JobLock
  signal: AbortSignal
}

/** What starts a part at its agent. */
export type AgentRequest = AgentBackupRequest | AgentRestoreRequest

/**
 * Fails a part whose database is not an item of the instance: the declaration may have changed since the job was requested.
 *
 * @throws {PartFailure} If it is none.
 */
export async function requireDeclaredItem(
  context: Context,
  instance: ServiceInstance,
  part: PartAtAgent,
): Promise<void> {
  const database = 'database' in part ? part.database : part.item
  const problem = await findUndeclaredItem(context, instance, [database])
  if (problem !== undefined) throw new PartFailure('item-not-granted', problem)
}

/**
 * Builds the request that starts a part, with the present credentials of the database and of the store.
 *
 * @throws {PartFailure} If there is none: the restore point was deleted, or no credentials are to be had.
 */
export async function newPartRequest(
  context: Context,
  { job, part, begun, signal }: Omit<PartToRun, 'lock'>,
  instance: ServiceInstance,
): Promise<AgentRequest> {
  const { host, port } = begun.place
  const place = { instance: await withDatabaseCredentials(context, instance, signal), host, port }
  const destination = (await destinationsById(context, [job.destinationId])).get(job.destinationId)
  invariant(destination, `job ${job.id} has a destination`)
  if (job.kind === 'backup') {
    const name = (await plansById(context, [job.planId])).get(job.planId)?.name
    const names = { partId: agentJobId(job, part), prefix: prefixOfPlan(job.planId), host, database: part.item }
    const objectName = await giveObjectName(context, names)
    const plan = { id: job.planId, objectName, ...(name === undefined ? {} : { name }) }
    const { recoveryRecipients } = context.settings
    return backupRequest(job, part, plan, place, destination, recoveryRecipients)
  }
  const restored = job.parts.find((each) => each.position === part.position)
  invariant(restored, `job ${job.id} has the part ${part.position}`)
  const point = await findPoint(context, restored.restorePointId)
  if (point === undefined) throw new PartFailure('other', 'The restore point was deleted.')
  const drill =
    job.drillId === undefined ? await maskOf(context, job.id) : await drillOf(context, job.drillId, restored)
  return restoreRequest(job, restored, point, place, { destination, drill })
}

/** The statements that mask the data of a clone: the agent runs them as it runs the checks of a drill, and drops nothing. */
async function maskOf(context: Context, jobId: string): Promise<AgentDrill | undefined> {
  const clone = await findCloneOfRestore(context, jobId)
  if (clone?.isMasked !== true) return undefined
  // Nothing is restored that could not be masked: the key that sealed the statements was lost.
  if (clone.mask === undefined) throw new PartFailure('other', 'The statements that mask the data were lost.')
  const checks = clone.mask.map((statement, index) => ({
    name: `mask ${index + 1}`,
    kind: 'statement' as const,
    statement,
  }))
  return { checks, cleanup: false }
}

/** What the agent checks in a restore of a drill, and whether it drops the database. */
async function drillOf(context: Context, drillId: string, { item, database }: RestorePart): Promise<AgentDrill> {
  const drill = await findDrillOfRestore(context, drillId)
  if (drill === undefined) throw new PartFailure('other', 'The drill was deleted.')
  const cleanup = drill.targetDatabase === undefined
  invariant(!cleanup || database.startsWith(DRILL_DATABASE_PREFIX), 'a drill drops databases of drills alone')
  const checks = checksOfItem(drill.checks, item).map(({ name, kind = 'statement', statement }) =>
    omitUndefined({ name, kind, statement }),
  )
  return { checks, cleanup }
}
