export { agentSettingsSections } from './settings/agent-settings-table.ts'
export { readSettings } from './settings/read-settings.ts'
export { type Agent, startAgent } from './start-agent.ts'
