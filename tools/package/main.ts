import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { kinds } from './kinds.ts'

const width = Math.max(...Object.keys(kinds).map((name) => name.length))
const help = `npm run package -- KIND… [--output FOLDER]: creates packages from what "npm run build" built. Without --output they are
stored in dist/packages. The kinds are:
${Object.entries(kinds)
  .map(([name, { description }]) => `  ${name.padEnd(width)}  ${description}`)
  .join('\n')}`

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, output: { type: 'string' } },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !(name in kinds))
if (values.help) console.log(help)
else if (positionals.length === 0 || unknown !== undefined) {
  console.error(`${unknown === undefined ? 'A kind is missing' : `There is no kind ${unknown}`}: see --help.`)
  process.exitCode = 2
} else {
  const output = resolve(values.output ?? join(import.meta.dirname, '../../dist/packages'))
  await mkdir(output, { recursive: true })
  for (const name of positionals) for (const path of (await kinds[name]?.create(output)) ?? []) console.log(path)
}
