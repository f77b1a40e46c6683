import { notFound } from '../shared/request-error.ts'
import type { Role } from './role.ts'

/** Which service instances a caller was granted: all of them, or these. */
export type Grants = 'all' | readonly string[]

/** Who makes a call, and what that one may do. */
export interface Caller {
  /** How the caller proved who it is. */
  kind: 'token' | 'user' | 'broker'
  /** For the audit log: the token's id, the user's subject, the broker account's name. */
  id: string
  /** For people. */
  name: string
  role: Role
  /** Brokers' accounts may only take away what belongs to a service instance. */
  onlyDeprovisions: boolean
  /** The instances that are known to be granted, for lists. */
  grants(): Promise<Grants>
  /** Whether one instance is granted, to read it or also to change what belongs to it. */
  isGranted(instanceId: string, use: 'read' | 'change'): Promise<boolean>
}

/** A caller whose grants are written down with it. */
export function grantedCaller(caller: Omit<Caller, 'grants' | 'isGranted'>, grants: Grants): Caller {
  return {
    ...caller,
    grants: async () => grants,
    isGranted: async (instanceId) => grants === 'all' || grants.includes(instanceId),
  }
}

/**
 * Lets a call go on only if the caller was granted the instance that the thing belongs to. Otherwise the thing is not
 * there, for this caller: the answer does not tell whether it exists.
 *
 * @throws {RequestError} `not-found`, naming what was asked for.
 */
export async function needGrant(
  caller: Caller,
  instanceId: string,
  use: 'read' | 'change',
  asked: { what: string; id: string } = { what: 'service instance', id: instanceId },
): Promise<void> {
  if (!(await caller.isGranted(instanceId, use))) throw notFound(asked.what, asked.id)
}
