import type { StoreSettings } from '@osb-backup/storage'

/** A bucket, container or directory of one service instance, with its credentials. */
export interface FileDestination {
  id: string
  /** Incremented by every change; 0 before it is stored. */
  version: number
  instanceId: string
  name: string
  store: StoreSettings
  /** Shared by all transfers of one agent; undefined: no limit. */
  bandwidthLimitBytesPerSecond: number | undefined
  createdAt: Date
}

/** Splits the secret off a store's settings, so that it can be sealed apart from the rest. */
export function splitSecret(store: StoreSettings): { open: Record<string, unknown>; secret: string | undefined } {
  switch (store.type) {
    case 's3': {
      const { secretAccessKey, ...open } = store
      return { open, secret: secretAccessKey }
    }
    case 'swift': {
      const { password, ...open } = store
      return { open, secret: password }
    }
    case 'file':
      return { open: { ...store }, secret: undefined }
  }
}

/** The inverse of `splitSecret`. */
export function joinSecret(open: Record<string, unknown>, secret: string | undefined): StoreSettings {
  const field = open.type === 's3' ? { secretAccessKey: secret } : open.type === 'swift' ? { password: secret } : {}
  return { ...open, ...field } as StoreSettings
}
