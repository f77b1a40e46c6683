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

/** Whether a text stands for items that are not known yet. */
export const isItemPattern = (text: string): boolean => text.includes('*')

/** What a plan says about the items that it covers. */
export interface ItemSelection {
  /** Names and patterns. */
  items: readonly string[]
  /** Names and patterns of what the patterns do not cover. A name in `items` is covered all the same. */
  excludedItems: readonly string[]
}

/** Whether a plan covers an item. */
export function coversItem({ items, excludedItems }: ItemSelection, item: string): boolean {
  if (items.some((each) => !isItemPattern(each) && each === item)) return true
  return isDeclaredItem(item, items.filter(isItemPattern)) && !isDeclaredItem(item, excludedItems)
}

/**
 * Chooses what a run of a plan covers, of what there is at the moment.
 *
 * @param listed - All items that the service has, in any order.
 * @param granted - What the instance may use at most: names and patterns; undefined: everything.
 * @returns The items that patterns cover and that are not named, sorted.
 */
export function expandItems(
  selection: ItemSelection,
  listed: readonly string[],
  granted: readonly string[] | undefined,
): string[] {
  const isGranted = (item: string) => granted === undefined || isDeclaredItem(item, granted)
  const chosen = listed.filter(
    (item) => coversItem(selection, item) && isGranted(item) && !selection.items.includes(item),
  )
  return [...new Set(chosen)].toSorted()
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
