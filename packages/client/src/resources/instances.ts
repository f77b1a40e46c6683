import {
  type Instance,
  type InstanceCreate,
  type InstancePatch,
  type InstanceQuery,
  type ItemList,
  instanceSchema,
  itemListSchema,
  type Report,
  type ReportQuery,
  type Trend,
  type TrendQuery,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions, EditOptions } from '../connection.ts'
import { editCalls, listCalls, pathOf } from './resource.ts'

const trendSchema = async () => (await import('@osb-backup/protocol/v1/trends')).trendSchema
const reportSchema = async () => (await import('@osb-backup/protocol/v1/reports')).reportSchema
const path = '/v1/instances'

/** Calls about service instances. */
export const instanceCalls = (connection: Connection) => ({
  ...listCalls<Instance, InstanceQuery>(connection, path, instanceSchema),
  ...editCalls<Instance, InstancePatch>(connection, path, instanceSchema),
  /** Registers an instance. */
  create: (instance: InstanceCreate, options: CreateOptions = {}): Promise<Instance> =>
    connection.call({ method: 'POST', path, body: instance, answer: instanceSchema, ...options }),
  /** The databases that are, or were, backed up, and those that the agent lists. */
  listItems: (id: string, options: CallOptions = {}): Promise<ItemList> =>
    connection.call({ method: 'GET', path: pathOf(path, id, 'items'), answer: itemListSchema, ...options }),
  /** How size and duration of its backups develop, and when destinations are full. */
  trend: (id: string, query: TrendQuery = {}, options: CallOptions = {}): Promise<Trend> =>
    connection.call({ method: 'GET', path: pathOf(path, id, 'trend'), query, answer: trendSchema, ...options }),
  /** How it is backed up, and what drills have proven, for auditors. */
  report: (id: string, query: ReportQuery = {}, options: CallOptions = {}): Promise<Report> =>
    connection.call({ method: 'GET', path: pathOf(path, id, 'report'), query, answer: reportSchema, ...options }),
  /** Deletes an instance that has no plans; its restore points stay. */
  delete: async (id: string, options: EditOptions = {}): Promise<void> => {
    await connection.call({ method: 'DELETE', path: pathOf(path, id), answer: instanceSchema.optional(), ...options })
  },
  /** Deletes an instance with its plans. Returns it while that takes a while; undefined: it is done. */
  deregister: (
    id: string,
    { lastBackup, keepFilesDays, ...options }: EditOptions & { lastBackup?: boolean; keepFilesDays?: number } = {},
  ): Promise<Instance | undefined> =>
    connection.call({
      method: 'DELETE',
      path: pathOf(path, id),
      query: { plans: 'delete', lastBackup, keepFilesDays },
      answer: instanceSchema.optional(),
      ...options,
    }),
})
