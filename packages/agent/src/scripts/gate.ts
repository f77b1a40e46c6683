import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'

/** The file descriptor that a script waits on before it starts. */
const GATE_DESCRIPTOR = 3

/**
 * The command that bash runs first: it waits for a line on the gate, closes it, and replaces itself by the script in
 * the same process. If the agent stops before it opens the gate, the read fails and the script never starts. So every
 * script that runs is in the journal.
 *
 * @param options - Options of bash for the script.
 */
export const gatedArguments = (path: string, rest: readonly string[], options: readonly string[] = []): string[] => [
  // Without it bash reads ~/.bashrc if its standard input is a socket, before the gate is open.
  '--norc',
  '-c',
  `read -r -u ${GATE_DESCRIPTOR} _ || exit 125; exec ${GATE_DESCRIPTOR}<&-; exec bash "$@"`,
  'bash',
  ...options,
  path,
  ...rest,
]

/** Lets a waiting script start. */
export function openGate(child: ChildProcess): void {
  const gate = child.stdio[GATE_DESCRIPTOR] as Writable | null | undefined
  // A script that was killed while it waited has closed its end of the pipe.
  gate?.on('error', () => undefined)
  gate?.end('go\n')
}

/** Lets a waiting script exit. */
export function closeGate(child: ChildProcess): void {
  const gate = child.stdio[GATE_DESCRIPTOR] as Writable | null | undefined
  gate?.on('error', () => undefined)
  gate?.destroy()
}
