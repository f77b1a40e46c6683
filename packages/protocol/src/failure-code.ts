/**
 * Why a destination cannot be used, for programs: in a job as well as where a destination is checked.
 * - `destination-unavailable`: the store cannot be reached, or is busy.
 * - `destination-address`: no such host, or an address that the operator does not allow.
 * - `destination-tls`: its certificate is not trusted, or it does not speak https.
 * - `destination-protocol`: what answers is not such a store, but a proxy or a login page for example.
 * - `destination-clock`: the clocks differ too much.
 * - `destination-region`: the bucket is in another region.
 * - `destination-credentials`: the credentials are wrong or have expired.
 * - `destination-permission`: the credentials are valid, but do not allow it.
 * - `destination-missing`: there is no such bucket, container or directory.
 * - `destination-full`: no space or quota is left, or the object is too large.
 * - `destination-unsupported`: the store does not support what is needed.
 * - `destination-settings`: another setting does not fit it.
 */
export const destinationFailureCodes = [
  'destination-unavailable',
  'destination-address',
  'destination-tls',
  'destination-protocol',
  'destination-clock',
  'destination-region',
  'destination-credentials',
  'destination-permission',
  'destination-missing',
  'destination-full',
  'destination-unsupported',
  'destination-settings',
] as const
export type DestinationFailureCode = (typeof destinationFailureCodes)[number]

/**
 * Why a part of a job failed, for programs.
 * - `agent-unreachable`: its agent could not be reached to start it.
 * - `agent-busy`: its agent had no slot for it for too long.
 * - `agent-restarted`: its agent stopped while it ran.
 * - `agent-rejected`: its agent does not accept the request or the manager's credentials, or is no agent.
 * - `destination-unavailable`: the store could not be reached, or was busy, for too long.
 * - `destination-…`: the store refuses, and would do so again: see `destinationFailureCodes`.
 * - `script-temporary`: a script exited with status 75, which asks for another attempt (`EX_TEMPFAIL` of sysexits.h).
 * - `database-busy`: another job worked on its database until the grace period of the schedule had ended.
 * - `item-not-granted`: its item belongs to another service instance, or was not declared.
 * - `credhub-unavailable`: CredHub, which holds the credentials of its database, or its UAA could not be reached.
 * - `credhub-rejected`: CredHub does not accept the manager, or has no usable credential for it.
 * - `cancelled`: a user cancelled the job.
 * - `outcome-unknown`: how it ended at its agent could not be determined.
 * - `other`: a script failed, an object is not what it should be, or settings are wrong.
 */
export const failureCodes = [
  'agent-unreachable',
  'agent-busy',
  'agent-restarted',
  'agent-rejected',
  ...destinationFailureCodes,
  'script-temporary',
  'database-busy',
  'item-not-granted',
  'credhub-unavailable',
  'credhub-rejected',
  'cancelled',
  'outcome-unknown',
  'other',
] as const
export type FailureCode = (typeof failureCodes)[number]

/** The codes that an agent reports; absent for any other failure. */
export const agentFailureCodes = [
  'agent-restarted',
  ...destinationFailureCodes,
  'script-temporary',
] as const satisfies readonly FailureCode[]
export type AgentFailureCode = (typeof agentFailureCodes)[number]
