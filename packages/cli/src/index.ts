import type { Io } from './io.ts'
import { createProgram } from './program.ts'
import { type CommandDescription, describeCommand } from './reference/describe-command.ts'
import { markdownReference } from './reference/markdown.ts'

export { manualPages } from './reference/manual-page.ts'

/** What the commands are, for documentation. */
export function commandReference(): { root: CommandDescription; markdown: string } {
  const root = describeCommand(createProgram(documentationIo()))
  return { root, markdown: markdownReference(root) }
}

/** Streams of a program that is only described. */
function documentationIo(): Io {
  const { stdin, stdout, stderr } = process
  return { stdin, stdout, stderr, env: {}, signal: new AbortController().signal, now: Date.now }
}
