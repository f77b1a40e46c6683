import { notFound, RequestError } from '../shared/request-error.ts'
import type { Caller } from './caller.ts'

/** What the audit log records of a call. */
export interface AuditDraft {
  /** Where it came from: an IP address. */
  address: string
  /** The HTTP method and the route: `DELETE /backupPlans/:id`. */
  action: string
  /** What it was applied to, without the query. */
  path: string
  /** The HTTP status that it is answered with if it succeeds. */
  status: number
  /** The service instance that it is about; set by `authorizeInstance`. */
  instanceId: string | undefined
  /** Whether a transaction with its entry was committed. */
  isRecorded: boolean
}

/** One call of the API, however it came in: who calls, to read or to change, and what the audit log records of it. */
export interface Call {
  caller: Caller
  use: 'read' | 'change'
  audit: AuditDraft
}

/**
 * Allows a call only if its caller was granted the service instance, and notes the instance for the audit log. Services
 * call it before they show or change anything that belongs to the instance.
 *
 * @param asked - What the caller asked for, where that is not the instance itself.
 * @throws {RequestError} `not-found`, naming what was asked for: the answer does not reveal whether it exists.
 */
export async function authorizeInstance(
  call: Call,
  instanceId: string,
  asked: { what: string; id: string } = { what: 'service instance', id: instanceId },
): Promise<void> {
  if (!(await call.caller.isGranted(instanceId, call.use))) throw notFound(asked.what, asked.id)
  call.audit.instanceId = instanceId
}

/**
 * The same for an instance that the body of a request refers to.
 *
 * @param field - The field that refers to it.
 * @throws {RequestError} `invalid`, naming the field.
 */
export async function authorizeReferredInstance(call: Call, instanceId: string, field: string): Promise<void> {
  if (!(await call.caller.isGranted(instanceId, call.use))) throw unknownInstance(instanceId, field)
  call.audit.instanceId = instanceId
}

/** The refusal of a request that refers to a service instance which does not exist, or was not granted. */
export function unknownInstance(instanceId: string, field: string): RequestError {
  return new RequestError('invalid', `There is no service instance ${JSON.stringify(instanceId)}.`, { field })
}
