import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeManualPages } from '../cli-reference.ts'
import { buildProgram } from './build-program.ts'
import { fileOf, programs } from './programs.ts'

const help = `npm run build [-- --embedded-postgresql]: builds the programs that are shipped, each with the packages that it needs, a source
map, the licences and a bill of materials (CycloneDX). They need Node 24 and nothing else, and may be copied anywhere:
${programs.map((program) => `  dist/${program.name}/${fileOf(program)}`).join('\n')}
The manual pages of osb-backup are in dist/cli/man.
With --embedded-postgresql the manager brings its PostgreSQL for this platform; without, it needs DATABASE_URL.`

const { values } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, 'embedded-postgresql': { type: 'boolean' } },
})
if (values.help) console.log(help)
else {
  const dist = join(import.meta.dirname, '../../dist')
  const hasEmbeddedPostgres = values['embedded-postgresql'] ?? false
  for (const program of programs) {
    console.log(await buildProgram(program, join(dist, program.name), { hasEmbeddedPostgres }))
  }
  await writeManualPages(join(dist, 'cli/man'))
}
