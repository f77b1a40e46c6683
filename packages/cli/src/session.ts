import type { BackupClient } from '@osb-backup/client'
import { type ConnectionFlags, connect } from './config/resolve-connection.ts'
import type { PromptFlags } from './input/prompt.ts'
import type { Io } from './io.ts'
import { type OutputFlags, Printer } from './output/printer.ts'

/** The options of every command. */
export interface GlobalFlags extends ConnectionFlags, OutputFlags, PromptFlags {}

/** One run of the program: its streams, its global options, and the manager. */
export class Session {
  readonly io: Io
  readonly flags: GlobalFlags
  readonly printer: Printer
  #client: Promise<BackupClient> | undefined

  constructor(io: Io, flags: GlobalFlags) {
    this.io = io
    this.flags = flags
    this.printer = new Printer(io, flags)
  }

  /** Connects when it is first needed. */
  client(): Promise<BackupClient> {
    this.#client ??= connect(this.io, this.flags)
    return this.#client
  }
}
