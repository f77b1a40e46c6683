export { type AgentProcess, startAgentProcess } from './agent-process.ts'
export { limitDescriptors } from './descriptor-limit.ts'
export { FaultProxy, type ProxyFault } from './fault-proxy.ts'
export { freePort } from './free-port.ts'
export {
  MANAGER_PROGRAM_VARIABLE,
  type ManagerProcess,
  startManagerProcess,
  startManagerProgram,
  TEMPLATE_VARIABLE,
  TEST_TOKEN,
} from './manager-process.ts'
export { PostgresqlBroker } from './postgresql-broker/broker.ts'
export { brokerPlans, SERVICE_ID } from './postgresql-broker/catalog.ts'
export type { RunningProcess } from './process.ts'
export { seededRandom } from './seeded-random.ts'
export { SkewedClock } from './skewed-clock.ts'
export { SmallDisk } from './small-disk.ts'
export { makeTemporaryFolder } from './temporary-folder.ts'
export { type VirtualHost, VirtualNetwork, whyNoVirtualNetwork } from './virtual-network.ts'
