import { expect, test } from 'vitest'
import { commandReference } from '../index.ts'
import { allCommands, type CommandDescription } from './describe-command.ts'

const { root } = commandReference()
const leaves = [...allCommands(root)].filter(({ subcommands }) => subcommands.length === 0)

/** The commands in a text of help, without what the shell makes of them. */
function commandLines(notes: string): string[] {
  const lines = notes.replaceAll(/\\\n\s*/g, '').split('\n')
  return lines.flatMap((line) => /(?<!")osb-backup ([a-z][^|>;&)]*)/.exec(line)?.[1]?.trim() ?? [])
}

/** The command that a line names, and the words after it. */
function parsed(line: string): { command: CommandDescription; words: string[] } {
  const words = line.split(/\s+/)
  let command = root
  for (;;) {
    const next = command.subcommands.find(({ path, aliases }) =>
      [path.split(' ').at(-1), ...aliases].includes(words[0]),
    )
    if (next === undefined) return { command, words }
    words.shift()
    command = next
  }
}

test.for(leaves)('the help of "$path" has an example', ({ notes, description }) => {
  expect(notes).toMatch(/Examples?:\n {2}\S/)
  expect(description).not.toBe('')
})

test('examples name commands and options that exist', () => {
  const lines = [...allCommands(root)].flatMap(({ notes }) => commandLines(notes))
  expect(lines.length).toBeGreaterThan(80)
  for (const line of lines) {
    const { command, words } = parsed(line)
    expect(command.subcommands, line).toEqual([])
    const known = [...command.options, ...root.options].flatMap(({ long, short }) => [long, short])
    for (const word of words.filter((each) => /^--?[a-z]/.test(each))) expect(known, line).toContain(word)
  }
})
