import type { BrokerResourceState } from '@osb-backup/core'
import type { Generated } from 'kysely'
import type { JsonText } from './columns.ts'

/** Service brokers that the manager is a client of. */
export interface ServiceBrokerTable {
  id: string
  name: string
  url: string
  username: string
  sealed_password: string | null
  ca_certificate: string | null
  /** The services that may be provisioned, by name or id; null: all. */
  services: JsonText<string[]> | null
  max_instances: number
  request_timeout_seconds: number
  operation_timeout_seconds: number
  registers_instances: boolean
  agent_id: string | null
  organization_guid: string | null
  space_guid: string | null
  version: Generated<number>
  created_at: Date
}

/** Instances that the manager provisioned, also those that do not exist any more. */
export interface ProvisionedInstanceTable {
  /** Its id at the broker. */
  id: string
  service_broker_id: string
  purpose: 'drill' | 'clone' | 'trial'
  /** The job that it was provisioned for; null: a trial. */
  job_id: string | null
  source_instance_id: string
  service_id: string
  plan_id: string
  bindable: boolean
  /** The longest time that the catalog allows an operation. */
  maximum_polling_seconds: number | null
  /** JSON that is passed to the broker. */
  sealed_parameters: string | null
  /** The user that asked for it; null: the manager provisions it by itself. */
  requested_by: string | null
  wanted: Generated<boolean>
  instance_state: Generated<BrokerResourceState>
  binding_state: Generated<BrokerResourceState>
  binding_id: string | null
  /** How many bindings were requested. */
  bindings: Generated<number>
  /** What the broker calls the operation that is in progress. */
  operation: string | null
  /** When the step that is in progress has failed. */
  step_ends_at: Date | null
  /** JSON of the binding's credentials. */
  sealed_credentials: string | null
  dashboard_url: string | null
  registered: Generated<boolean>
  /** Whether users may read its credentials. */
  released: Generated<boolean>
  /** Why it could not be provisioned. */
  failure: string | null
  /** Why the last call failed. */
  error: string | null
  /** How often the step has failed, or was polled, in a row. */
  attempts: Generated<number>
  /** When the next step is due; null: none is. */
  next_step_at: Date | null
  /** The attempt that does the step. */
  locked_by: string | null
  locked_until: Date | null
  created_at: Date
  /** When the broker had confirmed that nothing exists. */
  ended_at: Date | null
}
