import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'

/** The file descriptor that a script waits on before it begins. */
export const GATE_DESCRIPTOR = 3

/**
 * What bash runs first: it waits for a line on the gate, closes it, and becomes the script, in the same process. Where
 * the agent ends before it opens the gate, the read fails and the script never begins. So there is no script that the
 * journal does not know.
 */
export const gatedArguments = (path: string, rest: readonly string[]): string[] => [
  '-c',
  `read -r -u ${GATE_DESCRIPTOR} _ || exit 125; exec ${GATE_DESCRIPTOR}<&-; exec bash "$@"`,
  'bash',
  path,
  ...rest,
]

/** Lets a script that waits begin. */
export function openGate(child: ChildProcess): void {
  const gate = child.stdio[GATE_DESCRIPTOR] as Writable | null | undefined
  // A script that was killed while it waited has closed its end.
  gate?.on('error', () => undefined)
  gate?.end('go\n')
}

/** Ends a script that waits. */
export function shutGate(child: ChildProcess): void {
  const gate = child.stdio[GATE_DESCRIPTOR] as Writable | null | undefined
  gate?.on('error', () => undefined)
  gate?.destroy()
}
