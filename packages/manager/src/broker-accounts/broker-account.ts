import type { Grants } from '../access/caller.ts'

/** HTTP Basic credentials with which a service broker deprovisions. */
export interface BrokerAccount {
  name: string
  grants: Grants
}
