import type { Grants } from '../access/caller.ts'

/** HTTP Basic credentials with which a service broker deprovisions, or a platform uses the service broker at `/v2`. */
export interface BrokerAccount {
  name: string
  grants: Grants
}
