/** What a caller may do, each including the one before; each only with the service instances that it was granted. */
export const roles = ['viewer', 'operator', 'admin'] as const

/**
 * - `viewer` reads.
 * - `operator` also makes and changes destinations and plans, runs backups and restores.
 * - `admin` also registers service instances, and manages tokens and broker accounts.
 */
export type Role = (typeof roles)[number]

/** Whether a role includes what another one may do. */
export function includesRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}
