import {
  type DrillRequest,
  type Job,
  jobSchema,
  type Plan,
  type PlanCreate,
  type PlanKeys,
  type PlanKeysRequest,
  type PlanPatch,
  type PlanPreview,
  type PlanPreviewRequest,
  type PlanQuery,
  type PlanRun,
  type PlanRunQuery,
  type PlanRunRequest,
  planRunSchema,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions, EditOptions } from '../connection.ts'
import { editCalls, listCalls, noContent, pathOf } from './resource.ts'

const path = '/v1/plans'

const load = () => import('@osb-backup/protocol/v1/plans')
const planSchema = async () => (await load()).planSchema
const planKeysSchema = async () => (await load()).planKeysSchema
const planPreviewSchema = async () => (await import('@osb-backup/protocol/v1/plan-preview')).planPreviewSchema

/** Calls about backup plans. */
export const planCalls = (connection: Connection) => ({
  ...listCalls<Plan, PlanQuery>(connection, path, planSchema),
  ...editCalls<Plan, PlanPatch>(connection, path, planSchema),
  create: (plan: PlanCreate, options: CreateOptions = {}): Promise<Plan> =>
    connection.call({ method: 'POST', path, body: plan, answer: planSchema, ...options }),
  /** Starts a backup job now. While another job works on a database of the plan that is refused, or waits if requested. */
  run: (id: string, { wait, ...options }: CreateOptions & PlanRunRequest = {}): Promise<Job> =>
    connection.call({
      method: 'POST',
      path: pathOf(path, id, 'run'),
      ...(wait === undefined ? {} : { body: { wait } }),
      answer: jobSchema,
      ...options,
    }),
  /** Starts a drill now: restores items of the plan into its drill target, checks them, and cleans up. */
  drill: (id: string, { items, select, ...options }: CreateOptions & NonNullable<DrillRequest> = {}): Promise<Job> =>
    connection.call({
      method: 'POST',
      path: pathOf(path, id, 'drill'),
      body: { items, select },
      answer: jobSchema,
      ...options,
    }),
  /** What a schedule and a retention would do. Nothing is stored. */
  preview: (request: PlanPreviewRequest, options: CallOptions = {}): Promise<PlanPreview> =>
    connection.call({ method: 'POST', path: `${path}/preview`, body: request, answer: planPreviewSchema, ...options }),
  /** Creates a pair of age keys that the plan encrypts with from now on; only this answer shows the private one. */
  createKeys: (id: string, request: PlanKeysRequest, options: EditOptions = {}): Promise<PlanKeys> =>
    connection.call({
      method: 'POST',
      path: pathOf(path, id, 'keys'),
      body: request,
      answer: planKeysSchema,
      ...options,
    }),
  /** What became of its scheduled runs. */
  runs: (id: string) => listCalls<PlanRun, PlanRunQuery>(connection, pathOf(path, id, 'runs'), planRunSchema),
  /** Deletes a plan. Its stored objects stay unless asked for; those of held restore points always do. */
  delete: (id: string, { files, ...options }: EditOptions & { files?: 'keep' | 'delete' } = {}): Promise<void> =>
    connection.call({ method: 'DELETE', path: pathOf(path, id), query: { files }, answer: noContent, ...options }),
})
