import type { Readable, Writable } from 'node:stream'

/** What a command reads from and writes to. */
export interface Io {
  readonly stdin: Readable & { isTTY?: boolean }
  readonly stdout: Writable & { isTTY?: boolean; columns?: number }
  readonly stderr: Writable & { isTTY?: boolean; columns?: number; rows?: number }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  /** The current time, in milliseconds since the epoch. */
  now(): number
}

/** Width of a terminal whose width is not known. */
const DEFAULT_COLUMNS = 80

/** The width that lines for people may have: that of the terminal, unlimited elsewhere. */
export function columnsOf({ stdout }: Io): number {
  return stdout.isTTY ? (stdout.columns ?? DEFAULT_COLUMNS) : Number.POSITIVE_INFINITY
}

/** Whether a person can answer a question: standard input and standard error are terminals. */
export function isInteractive({ stdin, stderr }: Io): boolean {
  return stdin.isTTY === true && stderr.isTTY === true
}
