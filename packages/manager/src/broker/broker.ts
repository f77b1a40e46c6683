import type { Context } from '../context/context.ts'
import type { Catalog } from './catalog.ts'

/** Asks a platform whether its user may change a service instance. */
export type MayManage = (userId: string, instanceId: string) => Promise<boolean>

/** The dependencies of the manager's own broker. */
export interface Broker {
  context: Context
  catalog: Catalog
  /** Undefined: Cloud Foundry is not asked. */
  mayManage: MayManage | undefined
}
