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
import { findId, type Resource } from '../resources/resource.ts'
import { instanceResource, namedResources } from '../resources/resources.ts'
import { Session } from '../session.ts'
import type { Program } from './program-context.ts'

/** A shell must not wait longer for names of the manager. */
const DEADLINE_MS = 2000
const MOST_ENTRIES = 200

/** Adds `completion`, and the hidden command that its scripts call. */
export function addCompletion({ command, action, io }: Program): void {
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
        // Zsh and fish leave --option=value as it is.
        const [, option, value] = /^(--[a-z-]+)=(.*)$/.exec(words.at(-1) ?? '') ?? []
        const typed = option === undefined ? words : [...words.slice(0, -1), option, value ?? '']
        const candidates = candidatesAfter(describeCommand(command), typed)
        const signal = AbortSignal.any([io.signal, AbortSignal.timeout(DEADLINE_MS)])
        // A question, or a warning, would spoil the command line.
        const quiet = new Session({ ...io, signal }, { ...session.flags, input: false, quiet: true, output: 'table' })
        const lines = await linesOf(quiet, candidates, typed.at(-1) ?? '')
        session.printer.lines(option === undefined ? lines : lines.map((line) => `${option}=${line}`))
      }),
    )
}

async function linesOf(session: Session, candidates: Candidates, start: string): Promise<string[]> {
  switch (candidates.kind) {
    case 'files':
      return [':files']
    case 'words':
      return candidates.words.flatMap(({ word, description }) => {
        if (!word.startsWith(start)) return []
        return [description === undefined ? word : `${word}\t${cleaned(description)}`]
      })
    // A completion that fails completes nothing.
    case 'entries':
      return entriesOf(session, candidates.noun, start).catch(() => [])
    case 'items':
      return itemsOf(session, candidates.instance, start).catch(() => [])
  }
}

async function entriesOf(session: Session, noun: string, start: string): Promise<string[]> {
  if (noun === 'context')
    return Object.keys((await readConfig(session.io)).contexts).filter((name) => name.startsWith(start))
  const resource = (namedResources as unknown as Record<string, Resource<object> | undefined>)[noun]
  if (resource === undefined) return []
  const client = await session.client()
  const lines: string[] = []
  for await (const entry of resource.calls(client).iterate({ limit: MOST_ENTRIES })) {
    const [id, label] = [resource.id(entry), resource.label?.(entry)]
    for (const word of label === undefined ? [id] : [label, id]) {
      if (!word.startsWith(start)) continue
      lines.push(word === id && label !== undefined ? `${cleaned(id)}\t${cleaned(label)}` : cleaned(word))
    }
    if (lines.length >= MOST_ENTRIES) break
  }
  return lines
}

async function itemsOf(session: Session, instance: string, start: string): Promise<string[]> {
  const client = await session.client()
  const { items } = await client.instances.listItems(await findId(client, instanceResource, instance))
  return items.flatMap(({ name }) => (name.startsWith(start) ? [cleaned(name)] : []))
}
