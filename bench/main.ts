import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Runs a benchmark: `node bench/main.ts agent` runs `bench/agent/main.ts`. */
const folders = await readdir(import.meta.dirname, { withFileTypes: true })
const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name)
const [wanted = ''] = process.argv.slice(2)
if (names.includes(wanted)) {
  await import(pathToFileURL(join(import.meta.dirname, wanted, 'main.ts')).href)
} else {
  console.error(`node bench/main.ts NAME, where NAME is one of ${names.join(', ')}`)
  process.exitCode = 1
}
