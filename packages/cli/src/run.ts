import { CommanderError } from 'commander'
import { exitCodeOf, exitCodes } from './exit-code.ts'
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
  const program = createProgram(io)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed its message already; help that was asked for is no mistake.
      return error.exitCode === 0 ? exitCodes.success : exitCodes.usage
    }
    new Printer(io, program.opts<{ output?: OutputFormat }>()).error(error)
    return io.signal.aborted ? exitCodes.interrupted : exitCodeOf(error)
  }
}
