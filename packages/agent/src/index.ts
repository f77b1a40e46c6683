export { type AgentSettings, SettingsError } from './settings/agent-settings.ts'
export { readSettings } from './settings/read-settings.ts'
export { settingsHelp } from './settings/variables.ts'
export { type Agent, startAgent } from './start-agent.ts'
