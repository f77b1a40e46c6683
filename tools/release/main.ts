import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { repository } from '../package/workspace.ts'
import { assembleRelease } from './assemble.ts'
import { createVersion } from './version.ts'

const help = `npm run release -- version: gives all packages the version that the changesets ask for, and moves them to CHANGELOG.md
npm run release -- assemble: creates all that a release publishes, except images, in dist/release: archives of the programs, packages,
bills of materials and SHA256SUMS`

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
})
const [command] = positionals
if (values.help) console.log(help)
else if (command === 'version') console.log(await createVersion(new Date().toISOString().slice(0, 10)))
else if (command === 'assemble')
  for (const path of await assembleRelease(join(repository, 'dist/release'))) console.log(path)
else {
  console.error('Name a command: see --help.')
  process.exitCode = 2
}
