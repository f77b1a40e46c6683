import type { Call } from '../access/call.ts'
import { includesRole } from '../shared/role.ts'
import type { BrokerInstance } from './broker-instance.ts'

/** Who acted at the platform: X-Broker-API-Originating-Identity. */
export interface OriginatingIdentity {
  /** `cloudfoundry`, `kubernetes`, … */
  platform: string
  /** What the platform says of its user. */
  user: Record<string, unknown>
}

/** A request of a platform. */
export interface PlatformCall {
  call: Call
  identity: OriginatingIdentity | undefined
  /** Where people and platforms reach the manager, without a slash at the end. */
  publicUrl: string
}

/**
 * Whether the platform that calls provisioned an instance: for others it does not exist. Admins, who are no platform, reach all
 * instances.
 */
export function isOwn({ call: { caller } }: PlatformCall, instance: BrokerInstance): boolean {
  return caller.kind === 'broker' ? caller.id === instance.account : includesRole(caller.role, 'admin')
}
