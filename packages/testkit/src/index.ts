export { type AgentProcess, startAgentProcess } from './agent-process.ts'
export { type ManagerProcess, startManagerProcess, startManagerProgram, TEST_TOKEN } from './manager-process.ts'
export type { RunningProcess } from './process.ts'
export { makeTemporaryFolder } from './temporary-folder.ts'
