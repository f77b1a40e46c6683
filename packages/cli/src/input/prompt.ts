import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { type Io, isInteractive } from '../io.ts'
import { cleaned } from '../output/table.ts'

/** The global options about questions. */
export interface PromptFlags {
  /** False: never ask. */
  input?: boolean
  /** Answer yes to every question. */
  yes?: boolean
}

/**
 * Asks for permission.
 *
 * @returns Whether to go ahead.
 * @throws {UsageError} If nobody can be asked.
 */
export async function confirm(io: Io, flags: PromptFlags, question: string): Promise<boolean> {
  if (flags.yes) return true
  requireInteractive(io, flags, `This needs a confirmation: ${question}`)
  const { confirm: ask } = await import('@inquirer/prompts')
  return answered(ask({ message: cleaned(question), default: false }, contextOf(io)))
}

/**
 * Asks for the name of what is about to be overwritten or deleted, to be typed.
 *
 * @returns Whether it was typed as it is.
 */
export async function confirmByName(io: Io, flags: PromptFlags, question: string, name: string): Promise<boolean> {
  if (flags.yes) return true
  requireInteractive(io, flags, `This needs a confirmation: ${question}`)
  const { input } = await import('@inquirer/prompts')
  const message = `${cleaned(question)}\n  Type "${cleaned(name)}" to continue:`
  const typed = await answered(input({ message }, contextOf(io)))
  return typed.trim() === cleaned(name).trim()
}

/** Asks for a secret, which is not shown while it is typed. */
export async function askSecret(io: Io, flags: PromptFlags, question: string, hint: string): Promise<string> {
  requireInteractive(io, { ...flags, yes: false }, `${question} is missing.`, hint)
  const { password } = await import('@inquirer/prompts')
  return answered(password({ message: `${question}:`, mask: '*' }, contextOf(io)))
}

/** Whether a person can be asked for a value: --yes answers no such question. */
export function isAnswerable(io: Io, flags: PromptFlags): boolean {
  return flags.input !== false && !flags.yes && isInteractive(io)
}

/** A question that is answered with a text. */
export interface Question {
  message: string
  isSecret: boolean
  /** The answer of somebody who types nothing. */
  preset: string | undefined
  /** @returns True, or what is wrong with an answer. */
  validate(text: string): Promise<true | string>
}

/** Asks for a text; a secret one is not shown while it is typed. */
export async function ask(
  io: Io,
  flags: PromptFlags,
  { message, isSecret, preset, validate }: Question,
): Promise<string> {
  requireInteractive(io, flags, `This needs an answer: ${message}`, 'Pass it on the command line.')
  const { input, password } = await import('@inquirer/prompts')
  const shown = `${cleaned(message)}:`
  const question = isSecret
    ? password({ message: shown, mask: '*', validate }, contextOf(io))
    : input({ message: shown, validate, ...(preset === undefined ? {} : { default: preset }) }, contextOf(io))
  return (await answered(question)).trim()
}

/** Asks to choose; an empty choice is shown as none. */
export async function choose(
  io: Io,
  flags: PromptFlags,
  message: string,
  { values, preset }: { values: readonly string[]; preset: string | undefined },
): Promise<string> {
  requireInteractive(io, flags, `This needs an answer: ${message}`, 'Pass it on the command line.')
  const { select } = await import('@inquirer/prompts')
  const choices = values.map((value) => ({ value, name: value === '' ? '(none)' : cleaned(value) }))
  const question = { message: cleaned(message), choices, ...(preset === undefined ? {} : { default: preset }) }
  return answered(select(question, contextOf(io)))
}

/** @throws {CliError} If the question was left with Ctrl-C, or the terminal is gone. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    const isLeft = cause instanceof Error && /^(ExitPrompt|AbortPrompt|CancelPrompt)Error$/.test(cause.name)
    if (!isLeft) throw cause
    throw new CliError('Cancelled: nothing was changed.', { cause, exitCode: exitCodes.interrupted })
  }
}

function requireInteractive(
  io: Io,
  flags: PromptFlags,
  message: string,
  hint = 'Pass --yes to go ahead without being asked.',
) {
  if (flags.input === false || !isInteractive(io)) throw new UsageError(message, { hint })
}

const contextOf = ({ stdin, stderr, signal }: Io) => ({ input: stdin, output: stderr, signal })
