import { RequestError } from '../shared/request-error.ts'
import { includesRole, type Permission } from '../shared/role.ts'
import type { Call } from './call.ts'
import { type Grants, hasPermission } from './caller.ts'

/**
 * Allows what deletes backups, or lets them be deleted, only to callers with that permission. Services call it after they
 * authorized the instance, so that the refusal reveals nothing.
 *
 * @throws {RequestError} `forbidden`, if the caller does not have it.
 */
export function requirePermission({ caller }: Call, permission: Permission, what: string): void {
  if (hasPermission(caller, permission)) return
  throw new RequestError(
    'forbidden',
    `${what} needs the permission ${permission}, which ${JSON.stringify(caller.name)} does not have.`,
  )
}

/** Whether grants are within others: nobody passes on more than they have. */
export function areGrantsWithin(grants: Grants, limit: Grants): boolean {
  return limit === 'all' || (grants !== 'all' && grants.every((instanceId) => limit.includes(instanceId)))
}

/** What somebody is going to be able to do. */
export interface Access {
  role: Call['caller']['role']
  permissions: readonly Permission[]
  grants: Grants
}

/**
 * Lets callers pass on what they have themselves, and no more.
 *
 * @param field - The field of the request that names the instances.
 * @throws {RequestError} If the access goes beyond their own.
 */
export async function requireWithinOwnAccess({ caller }: Call, access: Access, field: string): Promise<void> {
  const own = await caller.grants()
  if (!areGrantsWithin(access.grants, own)) {
    throw new RequestError('forbidden', `${field} names service instances that you were not granted yourself.`, {
      field,
    })
  }
  // A broker registers instances that nobody was granted before.
  if (access.role === 'broker' && own !== 'all') {
    throw new RequestError('forbidden', 'Only an admin of all service instances admits brokers.', { field: 'role' })
  }
  const isBeyond =
    (access.role !== 'broker' && !includesRole(caller.role, access.role)) ||
    access.permissions.some((permission) => !hasPermission(caller, permission))
  if (isBeyond)
    throw new RequestError('forbidden', 'You cannot grant more than you may do yourself.', { field: 'role' })
}

/**
 * Allows what concerns every service instance.
 *
 * @throws {RequestError} `forbidden`, if the caller was granted some of them only.
 */
export async function requireAllInstances({ caller }: Call): Promise<void> {
  if ((await caller.grants()) === 'all') return
  throw new RequestError('forbidden', 'This concerns all service instances, and you were granted some of them only.')
}
