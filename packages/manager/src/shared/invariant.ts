/**
 * States what must be true if our own code is right; fails loudly where it is not.
 *
 * @param claim - What is claimed, as a sentence that reads well after "broken invariant:".
 */
export function invariant(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${claim}`)
}
