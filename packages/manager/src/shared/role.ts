/**
 * What a caller may do, each role after `broker` including the one before; each only with the service instances that it was
 * granted.
 */
export const roles = ['broker', 'viewer', 'operator', 'admin'] as const

/**
 * - `broker` registers, changes and deregisters its own service instances and their agents, lists their restore points and restores
 *   them into its instances, and does nothing else.
 * - `viewer` reads.
 * - `operator` also creates and changes destinations and plans, and runs backups and restores.
 * - `admin` also registers service instances, and manages tokens and broker accounts.
 */
export type Role = (typeof roles)[number]

/** Whether a role includes what another one may do. No role includes what brokers may do, which routes allow by themselves. */
export function includesRole(role: Role, required: Exclude<Role, 'broker'>): boolean {
  return roles.indexOf(role) >= roles.indexOf(required)
}

/**
 * What a caller may do besides its role.
 * - `delete-backups`: delete restore points with their objects, release those that are held, and shorten a retention.
 */
export const permissions = ['delete-backups'] as const
export type Permission = (typeof permissions)[number]
