import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { type GlobalFlags, Session } from '../session.ts'

/** What commands are added to. */
export interface Program {
  command: Command
  io: Io
  /** Makes the action of a command, which gets a session, its options and its arguments. */
  action: ActionFactory
}

export type ActionFactory = <Options extends object, Args extends unknown[]>(
  run: (session: Session, options: Options, ...args: Args) => Promise<void> | void,
) => (...received: unknown[]) => Promise<void>

/** @param program - The root, which has the global options. */
export function createActionFactory(program: Command, io: Io): ActionFactory {
  return (run) =>
    async (...received) => {
      // Commander passes the arguments, then the options, then the command.
      const args = received.slice(0, -2) as never
      const options = received.at(-2) as never
      await run(new Session(io, program.opts<GlobalFlags>()), options, ...(args as never[] as never))
    }
}
