import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What the first screen may load, in bytes of JavaScript that gzip has compressed. */
const MAX_BYTES = 250_000

/** Builds the dashboard if its sources are newer, and fails if the page at `/` loads too much JavaScript. */
const root = join(import.meta.dirname, '..')
await promisify(execFile)('sh', [join(root, 'tools/build-dashboard')])
const dist = join(root, 'packages/dashboard/dist')
const html = await readFile(join(dist, 'index.html'), 'utf8')
const scripts = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].flatMap(([, path]) => path ?? [])
let bytes = 0
for (const path of scripts) bytes += (await stat(join(dist, `${path}.gz`))).size
console.log(`The first screen loads ${bytes} bytes of compressed JavaScript; ${MAX_BYTES} are allowed.`)
if (scripts.length === 0 || bytes > MAX_BYTES) process.exitCode = 1
