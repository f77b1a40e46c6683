export { type AgentSettings, readSettings, SettingsError, settingsHelp } from './settings.ts'
export { type Agent, startAgent } from './start-agent.ts'
