export { type RunningManager, startManager } from './manager.ts'
export { type ManagerSettings, readSettings } from './settings/settings.ts'
export { managerSettingsSections } from './settings/settings-table.ts'
