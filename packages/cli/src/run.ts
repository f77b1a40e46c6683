import { CommanderError } from 'commander'
import { exitCodeOf, exitCodes, UsageError } from './exit-code.ts'
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
  const isJson = requestsJson(args)
  const program = createProgram(io, isJson ? () => undefined : undefined)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help that was asked for is no mistake; the message of a mistake was printed already, unless JSON was requested.
      if (error.exitCode === 0) return exitCodes.success
      if (isJson) new Printer(io, { output: 'json' }).error(usageError(error))
      return exitCodes.usage
    }
    new Printer(io, program.opts<{ output?: OutputFormat }>()).error(error)
    return io.signal.aborted ? exitCodes.interrupted : exitCodeOf(error)
  }
}

/** Whether JSON is requested by a command line, which may not be valid. */
function requestsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      arg === '-ojson' || arg === '--output=json' || (arg === 'json' && /^(-o|--output)$/.test(args[index - 1] ?? '')),
  )
}

function usageError({ code, message }: CommanderError): UsageError {
  // Without a command, commander prints the help.
  if (code === 'commander.help') return new UsageError('A command is missing.', { hint: 'Add --help for help.' })
  const [sentence = '', ...more] = message.replace(/^error: /, '').split('\n')
  return new UsageError(sentence, { hint: more.join(' ').trim() || 'Add --help for help.' })
}
