import type { z } from 'zod'
import { fileKind } from './file/file-kind.ts'
import { s3Kind } from './s3/s3-kind.ts'
import { StoreRegistry } from './store-registry.ts'
import { swiftKind } from './swift/swift-kind.ts'

export { addressRule } from './address-policy.ts'
export { undoRetry } from './retrying.ts'
export type { S3Settings } from './s3/s3-settings.ts'
export { combineErrors, reportsOrphans, StoreError } from './store-error.ts'
export type * from './store-kind.ts'
export type { SwiftSettings } from './swift/swift-settings.ts'
export { BandwidthLimit } from './transfer/bandwidth.ts'

/** Every kind of store. A new kind gets a folder and an entry here. */
const kinds = [s3Kind, swiftKind, fileKind] as const

/** Everything needed to reach a store, secrets included. */
export type StoreSettings = z.output<(typeof kinds)[number]['settingsSchema']>

/** The kinds of stores of this program. Importing them loads no client of a store. */
export const stores = new StoreRegistry<StoreSettings>(kinds)
