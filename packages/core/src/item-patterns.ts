/**
 * Items are declared by name, or by a pattern in which `*` matches any text, none included. No other character is special,
 * since most may be part of the name of a database.
 */

/** Whether an item is among those that were declared. */
export function isDeclaredItem(item: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => isOverlap(literal(item), tokens(pattern)))
}

/** A pair of patterns, one of each list, that some item could match both; undefined if there is none. */
export function findOverlap(
  patterns: readonly string[],
  others: readonly string[],
): { pattern: string; other: string } | undefined {
  for (const pattern of patterns) {
    const other = others.find((each) => isOverlap(tokens(pattern), tokens(each)))
    if (other !== undefined) return { pattern, other }
  }
  return undefined
}

/** A character of a name, or any text. */
type Token = string | typeof ANY_TEXT
const ANY_TEXT = Symbol('any text')

const literal = (text: string): Token[] => [...text]
const tokens = (pattern: string): Token[] => [...pattern].map((character) => (character === '*' ? ANY_TEXT : character))

/**
 * Whether some text matches both patterns. Compares every suffix of one with every suffix of the other, the shortest first,
 * so that it takes no longer than the product of their lengths, whatever they are.
 */
function isOverlap(one: readonly Token[], other: readonly Token[]): boolean {
  // Of the suffixes of `one` after the current one: whether they overlap with each suffix of `other`.
  let after: readonly boolean[] = []
  for (let i = one.length; i >= 0; i--) {
    const row: boolean[] = Array(other.length + 1).fill(false)
    for (let j = other.length; j >= 0; j--) {
      const [mine, theirs] = [one[i], other[j]]
      if (mine === ANY_TEXT || theirs === ANY_TEXT) row[j] = after[j] === true || row[j + 1] === true
      else if (mine === undefined && theirs === undefined) row[j] = true
      else row[j] = mine === theirs && after[j + 1] === true
    }
    after = row
  }
  return after[0] === true
}
