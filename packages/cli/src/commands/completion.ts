import { Argument } from 'commander'
import { readConfig } from '../config/config-file.ts'
import { cleaned } from '../output/table.ts'
import {
  type Candidates,
  COMPLETE,
  candidatesAfter,
  completionScript,
  type Shell,
  shells,
} from '../reference/completion.ts'
import { describeCommand } from '../reference/describe-command.ts'
import type { Resource } from '../resources/resource.ts'
import { namedResources } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

/** A shell must not wait longer for names of the manager. */
const DEADLINE_MS = 2000
const MOST_ENTRIES = 200

/** Adds `completion`, and the hidden command that its scripts call. */
export function addCompletion({ command, action }: Program): void {
  command
    .command('completion')
    .description('Print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices([...shells]))
    .addHelpText(
      'after',
      `
Examples:
  source <(osb-backup completion bash)
  osb-backup completion zsh > "\${fpath[1]}/_osb-backup"
  osb-backup completion fish > ~/.config/fish/completions/osb-backup.fish`,
    )
    .action(action((session, _: object, shell: Shell) => session.printer.lines([completionScript(shell).trimEnd()])))
  command
    .command(COMPLETE, { hidden: true })
    .argument('[words...]')
    .action(
      action(async (session, _: object, words: string[]) => {
        const candidates = candidatesAfter(describeCommand(command), words)
        session.printer.lines(await linesOf(session, candidates, words.at(-1) ?? ''))
      }),
    )
}

async function linesOf(session: Session, candidates: Candidates, start: string): Promise<string[]> {
  switch (candidates.kind) {
    case 'files':
      return [':files']
    case 'words':
      return candidates.words.map(({ word, description }) =>
        description === undefined ? word : `${word}\t${cleaned(description)}`,
      )
    case 'entries':
      // A completion that fails completes nothing.
      return entriesOf(session, candidates.noun, start).catch(() => [])
  }
}

async function entriesOf(session: Session, noun: string, start: string): Promise<string[]> {
  if (noun === 'context')
    return Object.keys((await readConfig(session.io)).contexts).filter((name) => name.startsWith(start))
  const resource = (namedResources as unknown as Record<string, Resource<object> | undefined>)[noun]
  if (resource === undefined) return []
  const client = await session.client()
  const lines: string[] = []
  const deadline = performance.now() + DEADLINE_MS
  for await (const entry of resource.calls(client).iterate({ limit: MOST_ENTRIES })) {
    const [id, label] = [resource.id(entry), resource.label?.(entry)]
    for (const word of label === undefined ? [id] : [label, id]) {
      if (word.startsWith(start)) lines.push(cleaned(word === id && label !== undefined ? `${id}\t${label}` : word))
    }
    if (lines.length >= MOST_ENTRIES || performance.now() > deadline) break
  }
  return lines
}
