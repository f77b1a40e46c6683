import { UsageError } from '../exit-code.ts'
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
  return ask({ message: cleaned(question), default: false }, contextOf(io))
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
  const typed = await input({ message: `${cleaned(question)}\n  Type "${cleaned(name)}" to continue:` }, contextOf(io))
  return typed.trim() === cleaned(name).trim()
}

/** Asks for a secret, which is not shown while it is typed. */
export async function askSecret(io: Io, flags: PromptFlags, question: string, hint: string): Promise<string> {
  requireInteractive(io, { ...flags, yes: false }, `${question} is missing.`, hint)
  const { password } = await import('@inquirer/prompts')
  return password({ message: `${question}:`, mask: '*' }, contextOf(io))
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
