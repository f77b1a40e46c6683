import { cronOf } from './cron.ts'

interface Field {
  name: string
  /** What may stand there. */
  takes: string
}

const fields: readonly Field[] = [
  { name: 'second', takes: '0 to 59' },
  { name: 'minute', takes: '0 to 59' },
  { name: 'hour', takes: '0 to 23' },
  { name: 'day of month', takes: '1 to 31, L (the last), LW or 15W (the nearest weekday)' },
  { name: 'month', takes: '1 to 12 or JAN to DEC' },
  { name: 'day of week', takes: '0 to 7 or SUN to SAT, with L (the last) or #1 to #5 behind it' },
]

/**
 * Says what is wrong with an expression that `cronOf` refuses, and where.
 *
 * @returns A part of a sentence, such as `at character 3, minute "61": it takes 0 to 59, …`. Characters count from 1.
 */
export function explainCron(expression: string): string {
  const words = [...expression.matchAll(/\S+/g)]
  const first = words[0]?.[0] ?? ''
  if (first.startsWith('@')) {
    return `at character ${(words[0]?.index ?? 0) + 1}, ${JSON.stringify(first)} is none of @yearly, @monthly, @weekly, @daily, @midnight and @hourly`
  }
  if (words.length < 5 || words.length > 6) {
    const place = words.length > 6 ? `at character ${(words[6]?.index ?? 0) + 1}, ` : ''
    return `${place}it has ${words.length} ${words.length === 1 ? 'field' : 'fields'} and needs six (second, minute, hour, day of month, month, day of week), or five without seconds`
  }
  const skipped = fields.length - words.length
  for (const [index, word] of words.entries()) {
    const wrong = wrongElement(word[0], index + skipped)
    const field = fields[index + skipped]
    if (wrong === undefined || field === undefined) continue
    const position = word.index + wrong.offset + 1
    return `at character ${position}, ${field.name} ${JSON.stringify(wrong.text)}: it takes ${field.takes}; or *, ranges (1-5), lists (1,3) and steps (*/2)`
  }
  return 'it cannot be read'
}

/** The first of a field's elements, separated by commas, that cannot stand there. */
function wrongElement(text: string, field: number): { text: string; offset: number } | undefined {
  let offset = 0
  for (const element of text.split(',')) {
    if (!isReadable(element, field)) return { text: element, offset }
    offset += element.length + 1
  }
  return undefined
}

function isReadable(element: string, field: number): boolean {
  const others = fields.map((_, index) => (index === field ? element : '*'))
  try {
    cronOf(others.join(' '), 'UTC')
    return element !== ''
  } catch {
    // The caller wants to know just that.
    return false
  }
}
