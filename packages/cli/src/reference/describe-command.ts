import type { EventEmitter } from 'node:events'
import type { Command } from 'commander'

/** What help, manual pages, docs/cli.md and completions say of one command. */
export interface CommandDescription {
  /** With the names of its parents: `osb-backup plan run`. */
  path: string
  aliases: readonly string[]
  description: string
  usage: string
  arguments: readonly { term: string; description: string; choices: readonly string[]; isVariadic: boolean }[]
  options: readonly OptionDescription[]
  /** Examples, and what else its help says. */
  notes: string
  subcommands: readonly CommandDescription[]
}

export interface OptionDescription {
  flags: string
  long: string | undefined
  short: string | undefined
  description: string
  choices: readonly string[]
  takesValue: boolean
  isRequired: boolean
}

/** Describes a command with its subcommands. */
export function describeCommand(command: Command, parents: readonly string[] = []): CommandDescription {
  const names = [...parents, command.name()]
  const help = command.createHelp()
  const visible = command.commands.filter((each) => each.name() !== 'help' && !isHidden(each))
  return {
    path: names.join(' '),
    aliases: command.aliases(),
    description: command.description(),
    usage: `${names.join(' ')} ${command.usage()}`.trim(),
    arguments: command.registeredArguments.map((argument) => ({
      term: argument.name(),
      description: help.argumentDescription(argument),
      choices: argument.argChoices ?? [],
      isVariadic: argument.variadic,
    })),
    options: help.visibleOptions(command).map((option) => ({
      flags: option.flags,
      long: option.long ?? undefined,
      short: option.short ?? undefined,
      description: help.optionDescription(option),
      choices: option.argChoices ?? [],
      takesValue: option.required || option.optional,
      isRequired: option.mandatory,
    })),
    notes: notesOf(command),
    subcommands: visible.map((each) => describeCommand(each, names)),
  }
}

/** The text that follows the help, which commander keeps in listeners only. */
function notesOf(command: Command): string {
  const lines: string[] = []
  const emitter = command as unknown as EventEmitter
  emitter.emit('afterHelp', { error: false, command, write: (text: string) => lines.push(text) })
  return lines.join('').trim()
}

const isHidden = (command: Command) => (command as unknown as { _hidden?: boolean })._hidden === true

/** All commands below one, depth first. */
export function* allCommands(description: CommandDescription): Generator<CommandDescription> {
  yield description
  for (const each of description.subcommands) yield* allCommands(each)
}
