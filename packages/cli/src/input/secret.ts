import { text } from 'node:stream/consumers'
import { readTextFile } from '../config/resolve-connection.ts'
import { UsageError } from '../exit-code.ts'
import type { Io } from '../io.ts'

/**
 * Reads a secret from a file, or from standard input if the name is `-`. One line break at the end is removed.
 *
 * @throws {UsageError} If it cannot be read or is empty.
 */
export async function readSecret(io: Io, file: string, what: string): Promise<string> {
  const content = file === '-' ? await readInput(io, what) : await readTextFile(file, what)
  const secret = content.replace(/\r?\n$/, '')
  if (secret === '') throw new UsageError(`${file === '-' ? 'Standard input' : file} (${what}) is empty.`)
  return secret
}

async function readInput({ stdin }: Io, what: string): Promise<string> {
  if (stdin.isTTY)
    throw new UsageError(`Standard input (${what}) is a terminal.`, { hint: 'Pipe it in, or name a file.' })
  return text(stdin)
}
