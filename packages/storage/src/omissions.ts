/**
 * What a server does not support or gets wrong, so that requests leave it out:
 * - `get-if-match`: reading on condition; the answer's ETag is compared instead.
 * - `put-if-none-match`, `complete-if-none-match`, `delete-if-match`: writing on condition; a look-up comes before it instead.
 */
export type Omission = 'get-if-match' | 'put-if-none-match' | 'complete-if-none-match' | 'delete-if-match'

const MAXIMUM_LOCATIONS = 1000
const known = new Map<string, Set<Omission>>()

/**
 * What this process has found out about the server of a destination. The set is shared by all stores of the destination; add to
 * it only once a request without the feature has succeeded, since servers refuse requests for many reasons.
 */
export function omissionsOf(location: string): Set<Omission> {
  const found = known.get(location) ?? new Set()
  // The oldest are forgotten first, and found out again.
  known.delete(location)
  known.set(location, found)
  for (const oldest of known.keys()) {
    if (known.size <= MAXIMUM_LOCATIONS) break
    known.delete(oldest)
  }
  return found
}
