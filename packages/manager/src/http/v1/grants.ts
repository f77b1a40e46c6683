import type { Grants } from '../../access/caller.ts'

/** The instances that were granted, as the API answers them. */
export function grantsToWire(grants: Grants): 'all' | string[] {
  return grants === 'all' ? 'all' : [...grants]
}
