import { closest, distance } from 'fastest-levenshtein'

/** A sentence with the nearest match, with a blank before it; empty if none is near. */
export function nearest(text: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return ''
  const best = closest(text, candidates)
  const isNear = distance(text, best) <= Math.max(1, Math.ceil(text.length / 3))
  return isNear && best !== text ? ` Did you mean "${best}"?` : ''
}
