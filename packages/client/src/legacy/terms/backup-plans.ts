import {
  type BackupPlan,
  type BackupPlanPreview,
  type BackupPlanPreviewRequest,
  type BackupPlanRequest,
  backupPlanPreviewSchema,
  backupPlanSchema,
  type Page,
  type PlanKeys,
  type PlanKeysRequest,
  type PlanRun,
  pageSchema,
  planKeysSchema,
  planRunSchema,
} from '@osb-backup/protocol'
import type { Connection, Paging, Versioned } from '../connection.ts'
import type { EditOptions } from './options.ts'

const base = '/backupPlans'
const answer = backupPlanSchema
const pathOf = (id: string) => `${base}/${encodeURIComponent(id)}`
const ofInstance = (instanceId: string) => `${base}/byInstance/${encodeURIComponent(instanceId)}`

/** Calls about backup plans. */
export const backupPlanCalls = (connection: Connection) => ({
  list: (instanceId: string, paging: Paging = {}): Promise<Page<BackupPlan>> =>
    connection.get(ofInstance(instanceId), pageSchema(answer), paging),
  get: (id: string): Promise<BackupPlan> => connection.get(pathOf(id), answer),
  getVersioned: (id: string): Promise<Versioned<BackupPlan>> => connection.getVersioned(pathOf(id), answer),
  create: (plan: BackupPlanRequest): Promise<BackupPlan> =>
    connection.call({ method: 'POST', path: base, body: plan, answer }),
  /** Replaces it; a private key left out stays as it is. */
  update: (id: string, plan: BackupPlanRequest, { version }: EditOptions = {}): Promise<BackupPlan> =>
    connection.call({ method: 'PATCH', path: pathOf(id), body: plan, answer, version }),
  /** When a plan would run next, and what its retention would keep; nothing is stored or deleted. */
  preview: (plan: BackupPlanPreviewRequest): Promise<BackupPlanPreview> =>
    connection.call({ method: 'POST', path: `${base}/preview`, body: plan, answer: backupPlanPreviewSchema }),
  /** Makes a pair of age keys that it encrypts with from now on; only this answer shows the private one. */
  makeKeys: (id: string, keys: PlanKeysRequest): Promise<PlanKeys> =>
    connection.call({ method: 'POST', path: `${pathOf(id)}/keys`, body: keys, answer: planKeysSchema }),
  /** What became of its scheduled runs, newest first: started, skipped or missed. */
  listRuns: (id: string, paging: Paging = {}): Promise<Page<PlanRun>> =>
    connection.get(`${pathOf(id)}/runs`, pageSchema(planRunSchema), paging),
  /** Deletes a plan. Its files stay, unless asked for; those that are held always do. */
  remove: (id: string, { files }: { files?: 'keep' | 'delete' } = {}): Promise<BackupPlan> =>
    connection.call({ method: 'DELETE', path: pathOf(id), query: { files }, answer }),
  /** Deletes all of an instance that is deprovisioned. */
  removeOfInstance: (instanceId: string): Promise<void> => connection.remove(ofInstance(instanceId)),
})
