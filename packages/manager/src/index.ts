export { managerSettingsSections } from './settings/settings-table.ts'
