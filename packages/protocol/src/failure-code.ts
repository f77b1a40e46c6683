/**
 * Why a part of a job failed, for programs.
 * - `agent-unreachable`: its agent could not be reached to start it.
 * - `agent-busy`: its agent had no slot for it for too long.
 * - `agent-restarted`: its agent stopped while it ran.
 * - `agent-rejected`: its agent does not accept the request or the manager's credentials, or is no agent.
 * - `destination-unavailable`: the store could not be reached, or was busy, for too long.
 * - `script-temporary`: a script exited with status 75, which asks for another attempt (`EX_TEMPFAIL` of sysexits.h).
 * - `database-busy`: another job worked on its database until the grace period of the schedule had ended.
 * - `item-not-granted`: its item belongs to another service instance, or was not declared.
 * - `cancelled`: a user cancelled the job.
 * - `outcome-unknown`: how it ended at its agent could not be determined.
 * - `other`: a script failed, an object is not what it should be, or settings are wrong.
 */
export const failureCodes = [
  'agent-unreachable',
  'agent-busy',
  'agent-restarted',
  'agent-rejected',
  'destination-unavailable',
  'script-temporary',
  'database-busy',
  'item-not-granted',
  'cancelled',
  'outcome-unknown',
  'other',
] as const
export type FailureCode = (typeof failureCodes)[number]

/** The codes that an agent reports; absent for any other failure. */
export const agentFailureCodes = [
  'agent-restarted',
  'destination-unavailable',
  'script-temporary',
] as const satisfies readonly FailureCode[]
export type AgentFailureCode = (typeof agentFailureCodes)[number]
