/** A simple command of a shell script, as far as it can be told without running it. */
export interface ShellCommand {
  line: number
  /** Without leading assignments and redirections. */
  words: string[]
}

/** What separates commands, outside of quotes. */
const SEPARATORS = new Set(['|', ';', '&', '(', ')', '`', '{', '}'])
const KEYWORDS = new Set([
  'if',
  'then',
  'else',
  'elif',
  'while',
  'until',
  'do',
  '!',
  'time',
  'exec',
  'command',
  'builtin',
])

/**
 * Splits a script into simple commands: enough to see which program gets which arguments. Comments, here-documents, leading
 * assignments and redirections are left out.
 */
export function shellCommands(script: string): ShellCommand[] {
  return logicalLines(script).flatMap(({ text, line }) =>
    splitCommands(text).flatMap((command) => {
      const words = argumentsOf(wordsOf(command))
      return words.length === 0 ? [] : [{ line, words }]
    }),
  )
}

/** Whether a script has a pipeline. */
export function hasPipeline(script: string): boolean {
  return logicalLines(script).some(({ text }) => /(^|[^|>])\|([^|]|$)/.test(withoutQuoted(text)))
}

/** Lines with their continuations, without comments and here-documents. */
function logicalLines(script: string): { text: string; line: number }[] {
  const found: { text: string; line: number }[] = []
  let [pending, begunAt, end]: [string, number, string | undefined] = ['', 0, undefined]
  for (const [index, raw] of script.split('\n').entries()) {
    if (end !== undefined) {
      if (raw.trim() === end) end = undefined
      continue
    }
    if (pending === '') begunAt = index + 1
    const text = pending + withoutComment(raw)
    if (text.endsWith('\\')) {
      pending = `${text.slice(0, -1)} `
      continue
    }
    pending = ''
    found.push({ text, line: begunAt })
    end = /<<-?\s*(["']?)([A-Za-z_]\w*)\1/.exec(text)?.[2]
  }
  return found
}

function withoutComment(text: string): string {
  for (const [at, character] of unquoted(text)) {
    if (character === '#' && (at === 0 || /\s/.test(text[at - 1] ?? ''))) return text.slice(0, at)
  }
  return text
}

/** The characters of a text that are outside of quotes, with their places. */
function* unquoted(text: string): Generator<[number, string]> {
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '\\' && quote !== "'") at++
    else if (quote !== '') quote = character === quote ? '' : quote
    else if (character === '"' || character === "'") quote = character
    else yield [at, character]
  }
}

const withoutQuoted = (text: string): string => [...unquoted(text)].map(([, character]) => character).join('')

function splitCommands(text: string): string[] {
  const parts: string[] = []
  let from = 0
  for (const [at, character] of unquoted(text)) {
    // The braces of ${name} belong to a word.
    const isExpansion = (character === '{' && text[at - 1] === '$') || (character === '}' && isInExpansion(text, at))
    // Redirections such as >&2 and &>file.
    const isRedirection = character === '&' && (/[<>]/.test(text[at - 1] ?? '') || text[at + 1] === '>')
    if (!SEPARATORS.has(character) || isExpansion || isRedirection) continue
    parts.push(text.slice(from, at))
    from = at + 1
  }
  return [...parts, text.slice(from)]
}

const isInExpansion = (text: string, at: number): boolean => text.lastIndexOf('${', at) > text.lastIndexOf('}', at - 1)

function wordsOf(command: string): string[] {
  const words: string[] = []
  let from = 0
  for (const [at, character] of unquoted(command)) {
    if (!/\s/.test(character)) continue
    if (at > from) words.push(command.slice(from, at))
    from = at + 1
  }
  return from < command.length ? [...words, command.slice(from)] : words
}

function argumentsOf(words: readonly string[]): string[] {
  const isRedirection = (word: string) => /^\d*(<<<|<|>>|>|&>)/.test(word)
  const isBare = (word: string) => /^\d*(<<<|<|>>|>|&>)$/.test(word)
  const kept = words.filter((word, index) => !isRedirection(word) && !isBare(words[index - 1] ?? ''))
  const start = kept.findIndex((word) => !KEYWORDS.has(word) && !/^[A-Za-z_]\w*(\[[^\]]*\])?\+?=/.test(word))
  return start === -1 ? [] : kept.slice(start)
}
