import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '../..')
const file = join(import.meta.dirname, 'durations.json')
/** Files that take less time are not worth an order. */
const SHORTEST_SECONDS = 5

/** Seconds that files of system tests took, by their paths from the root of the repository. */
export async function readDurations(): Promise<Record<string, number>> {
  return JSON.parse(await readFile(file, 'utf8'))
}

/** Records how long the files that ran took. Those of others stay, unless the file was deleted. */
export async function recordDurations(results: readonly { path: string; durationMs: number }[]): Promise<void> {
  const durations = await readDurations()
  for (const { path, durationMs } of results) durations[relative(root, path)] = Math.round(durationMs / 1000)
  const kept = Object.entries(durations).filter(
    ([path, seconds]) => path.startsWith('test/') && seconds >= SHORTEST_SECONDS && existsSync(join(root, path)),
  )
  await writeFile(file, `${JSON.stringify(Object.fromEntries(kept.toSorted()), null, 2)}\n`)
}
