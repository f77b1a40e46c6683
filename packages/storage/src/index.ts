export type { AddressRule } from './address-rule.ts'
export { releaseBuffer, transferOwnership } from './buffer-ownership.ts'
export { type AgeKeys, generateAgeKeys, isAgeRecipient } from './content/age-keys.ts'
export type { CompressionOptions } from './content/compression.ts'
export * from './content/content-error.ts'
export { type LoadFileOptions, loadFile, type StoreFileOptions, storeFile } from './content/content-file.ts'
export type * from './content/content-options.ts'
export { loadContent } from './content/load-content.ts'
export type { ExpectedContent } from './content/meter.ts'
export { storeContent } from './content/store-content.ts'
export { verifyObject } from './content/verify-object.ts'
export { findZstdProgram } from './content/zstd-program.ts'
export * from './kinds.ts'
export {
  isManifestName,
  manifestName,
  readManifest,
  removeWithManifest,
  writeManifest,
} from './manifest/object-manifest.ts'
export { compareNames, validateObjectName } from './object-name.ts'
export type * from './object-store.ts'
export { openStore } from './open-store.ts'
export { type RetryOptions, retrying } from './retrying.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
export type * from './store-options.ts'
