export { type RunningManager, startManager } from './manager.ts'
export { SettingError } from './settings/setting-error.ts'
export { type ManagerSettings, readSettings, settingDocs } from './settings/settings.ts'
