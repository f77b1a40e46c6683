/**
 * Asserts what must be true unless our own code has a bug; fails loudly otherwise.
 *
 * @param claim - What is claimed, as a sentence that reads well after "broken invariant:".
 */
export function invariant(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${claim}`)
}
