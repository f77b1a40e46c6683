/** A run of characters in one style. */
export interface Span {
  text: string
  isBold: boolean
  color: string | undefined
}

const colors = ['gray', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'gray']
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with a control character
const sequences = /\u001b\[([\d;]*)([A-Za-z])|\u001b[@-Z\\-_]/g

/**
 * Reads the colors and the bold type of a line that was written for a terminal. Other sequences, which move the cursor or clear
 * the screen, are left out.
 */
export function readAnsi(line: string): Span[] {
  const spans: Span[] = []
  let style: Omit<Span, 'text'> = { isBold: false, color: undefined }
  let start = 0
  const add = (end: number) => {
    if (end > start) spans.push({ text: line.slice(start, end), ...style })
  }
  for (const match of line.matchAll(sequences)) {
    add(match.index)
    start = match.index + match[0].length
    if (match[2] === 'm') style = applyCodes(style, match[1] ?? '')
  }
  add(line.length)
  return spans
}

/** A text that was written for a terminal, without its sequences. */
export const withoutAnsi = (text: string): string => text.replace(sequences, '')

function applyCodes(style: Omit<Span, 'text'>, codes: string): Omit<Span, 'text'> {
  let next = style
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) next = { isBold: false, color: undefined }
    else if (code === 1) next = { ...next, isBold: true }
    else if (code === 22) next = { ...next, isBold: false }
    else if (code === 39) next = { ...next, color: undefined }
    else if (code >= 30 && code <= 37) next = { ...next, color: colors[code - 30] }
    else if (code >= 90 && code <= 97) next = { ...next, color: colors[code - 90] }
  }
  return next
}
