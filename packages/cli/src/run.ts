import { CommanderError } from 'commander'
import { CliError, exitCodeOf, exitCodes, UsageError } from './exit-code.ts'
import type { Io } from './io.ts'
import { type OutputFormat, Printer } from './output/printer.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command line.
 *
 * @param args - Without the program itself.
 * @returns The exit code, unless the command has set `process.exitCode`.
 */
export async function run(io: Io, args: readonly string[]): Promise<number | undefined> {
  const isStructured = requestsStructure(args)
  const program = createProgram(io, isStructured ? () => undefined : undefined)
  try {
    // Commander's own command takes one word only.
    const words = args[0] === 'help' ? [...args.slice(1), '--help'] : [...args]
    await program.parseAsync(words, { from: 'user' })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help that was asked for is no mistake; the message of a mistake was printed already, unless JSON was requested.
      if (error.exitCode === 0) return exitCodes.success
      if (isStructured) new Printer(io, { output: 'json' }).error(usageError(error))
      return exitCodes.usage
    }
    const failure = io.signal.aborted ? interruption(io, error) : error
    new Printer(io, program.opts<{ output?: OutputFormat }>()).error(failure)
    return exitCodeOf(failure)
  }
}

/** The failure of a command that was interrupted: what it says itself, such as that a job continues. */
function interruption({ signal }: Io, error: unknown): CliError {
  const isBare = error === signal.reason || !(error instanceof Error)
  const message = isBare ? `The command was ${String(signal.reason.message)}.` : error.message
  return new CliError(message, { cause: error, exitCode: exitCodes.interrupted })
}

/** Whether JSON or YAML is requested by a command line, which may not be valid. */
function requestsStructure(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      /^(-o|--output=)(json|yaml)$/.test(arg) ||
      (/^(json|yaml)$/.test(arg) && /^(-o|--output)$/.test(args[index - 1] ?? '')),
  )
}

function usageError({ code, message }: CommanderError): UsageError {
  // Without a command, commander prints the help.
  if (code === 'commander.help') return new UsageError('A command is missing.', { hint: 'Add --help for help.' })
  const [sentence = '', ...more] = message.replace(/^error: /, '').split('\n')
  return new UsageError(sentence, { hint: more.join(' ').trim() || 'Add --help for help.' })
}
