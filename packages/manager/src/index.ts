export { type RunningManager, startManager } from './manager.ts'
export { SettingError } from './setting-error.ts'
export { type ManagerSettings, readSettings, settingDocs } from './settings.ts'
