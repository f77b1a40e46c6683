import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'

/** A column of a table. */
export interface Column<T> {
  header: string
  /** The cell; may have colours, no line breaks. */
  cell(row: T): string
  /** Shown with `-o wide` only. */
  wide?: boolean
  align?: 'right'
  /** May be shortened to fit the terminal; the widest of these is shortened first. */
  shrinks?: boolean
}

const GAP = '  '
const SHORTEST = 8

/** Formats rows as lines with a header; lines have at most `columns` characters as far as columns may be shortened. */
export function formatTable<T>(rows: readonly T[], columns: readonly Column<T>[], maximumWidth: number): string[] {
  const cells = [
    columns.map(({ header }) => header),
    ...rows.map((row) => columns.map(({ cell }) => cleanedCell(cell(row)))),
  ]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => stringWidth(line[index] ?? ''))))
  shrink(widths, columns, maximumWidth)
  return cells.map((line) =>
    line
      .map((cell, index) => fitted(cell, widths[index] ?? 0, columns[index]?.align))
      .join(GAP)
      .trimEnd(),
  )
}

function shrink<T>(widths: number[], columns: readonly Column<T>[], maximumWidth: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1)
  while (total() > maximumWidth) {
    const candidates = widths.flatMap((width, index) =>
      columns[index]?.shrinks && width > SHORTEST ? [{ width, index }] : [],
    )
    const widest = candidates.reduce((best, each) => (each.width > best.width ? each : best), { width: 0, index: -1 })
    if (widest.index < 0) return
    const next = candidates.reduce(
      (most, { width, index }) => (index !== widest.index && width > most ? width : most),
      0,
    )
    const excess = total() - maximumWidth
    widths[widest.index] = Math.max(SHORTEST, widest.width - Math.max(1, Math.min(excess, widest.width - next)))
  }
}

/** What comes from others must not control the terminal: one line without control characters and escape sequences. */
export function cleaned(text: string): string {
  return withoutControls(text.replace(/\s*[\r\n\t]+\s*/g, ' '), ESCAPE)
}

/** As `cleaned`, but with the colours that this program uses itself. */
export function cleanedCell(text: string): string {
  return withoutControls(text.replace(/\s*[\r\n\t]+\s*/g, ' '), FOREIGN_ESCAPE)
}

/** As `cleaned`, for text of several lines that has our own colours. */
export function cleanedLines(text: string): string {
  return text.split('\n').map(cleanedCell).join('\n')
}

const ESC = String.fromCharCode(27)
const SEQUENCE = '(?:\\[[0-?]*[ -/]*[@-~])?'
const ESCAPE = new RegExp(`${ESC}${SEQUENCE}`, 'g')
/** All but bold and the foreground colours of `styleState`. */
const FOREIGN_ESCAPE = new RegExp(`${ESC}(?!\\[(?:1|22|39|3[1-6])m)${SEQUENCE}`, 'g')

function withoutControls(text: string, sequences: RegExp): string {
  // Among them are those that change the direction of text, with which a name can look like another one.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
  const controls = /[\u0000-\u001a\u001c-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
  return text.replace(sequences, '').replace(controls, '')
}

function fitted(cell: string, width: number, align: 'right' | undefined): string {
  const own = stringWidth(cell)
  if (own > width) return `${cut(stripVTControlCharacters(cell), width - 1)}…`
  const padding = ' '.repeat(width - own)
  return align === 'right' ? padding + cell : cell + padding
}

function cut(text: string, width: number): string {
  let result = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment)
    if (used > width) break
    result += segment
  }
  return result + ' '.repeat(Math.max(0, width - stringWidth(result)))
}
