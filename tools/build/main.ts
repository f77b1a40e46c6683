import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeManualPages } from '../cli-reference.ts'
import { buildProgram, programs } from './build-program.ts'

const help = `npm run build: bundles the programs that are shipped, each with the packages that it needs, a source map and the licences:
${programs.map(({ name, file }) => `  dist/${name}/${file}`).join('\n')}
and the manual pages of osb-backup: dist/cli/man`

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(help)
else {
  const dist = join(import.meta.dirname, '../../dist')
  for (const program of programs) console.log(await buildProgram(program, join(dist, program.name)))
  await writeManualPages(join(dist, 'cli/man'))
}
