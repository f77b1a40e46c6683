import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/**
 * Finds the `zstd` program, which compresses with all cores where node:zlib has one.
 *
 * @param path - Directories, as in `PATH`. Relative ones are ignored.
 * @returns Its full path; undefined if it is not installed.
 */
export function findZstdProgram(path: string | undefined): string | undefined {
  for (const folder of (path ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const candidate = join(folder, 'zstd')
    if (isProgram(candidate)) return candidate
  }
  return undefined
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
