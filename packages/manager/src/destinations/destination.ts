import type { StoreSettings } from '@osb-backup/storage'

/** A bucket, container or directory of one service instance, with its credentials. */
export interface FileDestination {
  id: string
  /** Incremented by every change; 0 before it is stored. */
  version: number
  instanceId: string
  name: string
  /** By which it is managed together with others; undefined: it is not. */
  label?: string | undefined
  store: StoreSettings
  /** Shared by all transfers of one agent; undefined: no limit. */
  bandwidthLimitBytesPerSecond: number | undefined
  /** How much may be stored, which only trends are compared with; undefined: nobody said so. */
  quotaBytes?: number | undefined
  /** What maintains it, and alone changes it: `policy:<id>`, for example; undefined: nothing does. */
  managedBy?: string | undefined
  createdAt: Date
  /** When it was retired: no plan uses it any more, but restore points may still be stored in it. */
  retiredAt: Date | undefined
}
