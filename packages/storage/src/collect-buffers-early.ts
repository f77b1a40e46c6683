/** The first makes V8 collect young buffers often; the second limits its old generation to 1.8 times the live data. */
const flags = ['--max-semi-space-size=1', '--heap-growing-percent=80']
/** glibc gives each thread a heap of its own, and what one frees no other uses. */
const oneHeap = { MALLOC_ARENA_MAX: '1' }

/**
 * Makes V8 free buffers soon after their use. A process that transfers content calls this first.
 *
 * V8 collects young buffers only when they have grown to twice the limit of its young generation, 32 MB; by then they
 * are spread over so much memory that most of it stays with the process, and some outlive the young generation, so that
 * only a full collection frees them. V8 accepts a smaller limit only at its start, so this restarts the program in the
 * same process and with the same arguments, unless Node was started with the flags. For the effect see
 * docs/performance.md.
 */
export function collectBuffersEarly(): void {
  if (flags.every((flag) => process.execArgv.includes(flag))) return
  const { execPath, execArgv, argv, env } = process
  // Not available on Windows, where more memory is used.
  process.execve?.(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...oneHeap, ...env })
}
