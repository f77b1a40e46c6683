export {
  createFileAtomically,
  removeTemporaryFiles,
  renameUnlessExists,
  syncDirectory,
  writeFileAtomically,
} from './atomic-file.ts'
export { createDirectory } from './create-directory.ts'
export { withDeadline } from './deadline.ts'
export { errorCode, errorMessage } from './errors.ts'
export { logFields, parseRequestId, withLogFields } from './log-fields.ts'
export { omitUndefined } from './omit-undefined.ts'
export { type PeriodicTask, type RunningTasks, startPeriodicTasks } from './periodic-tasks.ts'
export { notifyReady, readSupervision, type ServiceSupervision } from './service-notifications.ts'
export {
  type Environment,
  type ParsedSettings,
  parseSettings,
  SettingsError,
  type SettingsSection,
} from './settings/parse-settings.ts'
export { absolutePath, flag, httpUrl, listOf, oneOf, text, wholeNumber } from './settings/schemas.ts'
export { settingsHelp, settingsReference } from './settings/settings-text.ts'
export { handleShutdownSignals } from './shutdown-signals.ts'
export {
  certificateExpiries,
  certificatesProblem,
  followTlsFiles,
  isLoopbackHost,
  loadTlsFiles,
  type TlsFilePaths,
  type TlsFiles,
} from './tls-files.ts'
export { usePlainValidationMessages } from './validation-messages.ts'
export { VERSION } from './version.ts'
