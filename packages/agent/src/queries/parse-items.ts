import { err, ok, type Result } from '@osb-backup/core'

const MAX_ITEMS = 10_000
const MAX_NAME_LENGTH = 255

/**
 * Reads what a script `list-items` printed: a name on each line. A list that cannot be read is an error as a whole, so that none is
 * shorter than the script meant it to be.
 *
 * @returns Each name once, in the order printed.
 */
export function parseItems(printed: Uint8Array): Result<string[]> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(printed)
  } catch {
    return err('printed names that are not UTF-8')
  }
  const lines = text.split('\n')
  const last = lines.pop()
  if (last !== '') return err('printed a last line without a line feed: the list may be cut off')
  const items = [...new Set(lines)]
  if (items.length > MAX_ITEMS) return err(`printed more than ${MAX_ITEMS} names`)
  const wrong = items.find((item) => item === '' || item.length > MAX_NAME_LENGTH || /\p{Cc}/u.test(item))
  if (wrong === undefined) return ok(items)
  return err(`printed ${JSON.stringify(wrong.slice(0, 60))}, which cannot be the name of an item`)
}
