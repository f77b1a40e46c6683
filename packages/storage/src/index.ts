export { connectorUnder } from './address-rule.ts'
export { generateAgeKeys, isAgeRecipient } from './content/age-keys.ts'
export * from './content/content-error.ts'
export { loadFile } from './content/content-file.ts'
export type * from './content/content-options.ts'
export { loadContent } from './content/load-content.ts'
export { storeContent } from './content/store-content.ts'
export { verifyObject } from './content/verify-object.ts'
export { findZstdProgram } from './content/zstd-program.ts'
export {
  causeOfFailure,
  type FailureCause,
  failureCodeOf,
  isStoreMissing,
  regionInAnswer,
  signOfFailure,
} from './failure-cause.ts'
export { directoryStore } from './file/file-kind.ts'
export * from './kinds.ts'
export {
  isManifestName,
  manifestName,
  type ReadManifest,
  readManifest,
  removeExpected,
  removeWithManifest,
  writeManifest,
} from './manifest/object-manifest.ts'
export type * from './object-store.ts'
export { isSameObject } from './object-store.ts'
export { openStore } from './open-store.ts'
export type * from './store-options.ts'
export { trustedCertificates } from './tls-settings.ts'
