/**
 * Flags of Node for programs that move bytes. V8 collects young buffers only when they have grown to twice the limit of its young
 * generation, 32 MB; by then they are spread over so much memory that most of it stays with the process. V8 accepts another limit
 * only at its start, so whatever starts the program sets it. For the effect see docs/performance.md.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=1']

/** The flags that a process was started without, whatever their values. */
export function missingNodeFlags({ execArgv, env }: Pick<NodeJS.Process, 'execArgv' | 'env'>): string[] {
  const given = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ').replaceAll('_', '-')
  return NODE_FLAGS.filter((flag) => !given.includes(flag.replace(/=.*/, '')))
}
