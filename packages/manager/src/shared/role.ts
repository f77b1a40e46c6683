/** What a caller may do, each including the one before; each only with the service instances that it was granted. */
export const roles = ['viewer', 'operator', 'admin'] as const

/**
 * - `viewer` reads.
 * - `operator` also creates and changes destinations and plans, and runs backups and restores.
 * - `admin` also registers service instances, and manages tokens and broker accounts.
 */
export type Role = (typeof roles)[number]

/** Whether a role includes what another one may do. */
export function includesRole(role: Role, required: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(required)
}
