/** The first makes V8 look for young buffers often; the second keeps its old generation within 1.8 times what is used of it. */
const flags = ['--max-semi-space-size=1', '--heap-growing-percent=80']
/** glibc gives each thread a heap of its own, and what one frees no other uses. */
const oneHeap = { MALLOC_ARENA_MAX: '1' }

/**
 * Has V8 free buffers soon after their use. To be called first by a process that moves bytes.
 *
 * V8 collects young buffers only when they have grown to twice the limit of its young generation, 32 MB; by then they are
 * spread over so much memory that most of it stays with the process, and some outlive the young generation, so that all of
 * the heap is searched for them. V8 takes a smaller limit only as it starts, so this begins the program anew, in the same
 * process and with the same arguments, unless Node was started with the flags. What it saves: docs/performance.md.
 */
export function collectBuffersEarly(): void {
  if (flags.every((flag) => process.execArgv.includes(flag))) return
  const { execPath, execArgv, argv, env } = process
  // Absent on Windows, where it takes more memory.
  process.execve?.(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...oneHeap, ...env })
}
