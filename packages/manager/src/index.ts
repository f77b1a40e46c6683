export { type RunningManager, startManager } from './manager.ts'
export { type ManagerSettings, readSettings, SettingError, settingDocs } from './settings.ts'
