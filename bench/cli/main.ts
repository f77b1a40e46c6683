import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildProgram } from '../../tools/build/build-program.ts'
import { programs } from '../../tools/build/programs.ts'

const help = `npm run bench -- cli [--repeats N]: how long osb-backup, as \`npm run build\` builds it, and from its sources, takes to start
and end, beside a Node that does nothing. All take turns; 20 times by default.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { help: { type: 'boolean', short: 'h' }, repeats: { type: 'string', default: '20' } },
})

const source = join(import.meta.dirname, '../../packages/cli/src/main.ts')

async function bench(repeats: number): Promise<void> {
  const [program] = programs.filter(({ name }) => name === 'cli')
  if (program === undefined) throw new Error('the command line is not among the programs that are built')
  const folder = await mkdtemp(join(tmpdir(), 'osb-bench-'))
  try {
    const file = await buildProgram(program, join(folder, program.name))
    const cases = [
      { name: 'node -e 0', args: ['-e', '0'], times: [] as number[] },
      { name: 'osb-backup --version', args: [file, '--version'], times: [] as number[] },
      { name: 'osb-backup plan create --help', args: [file, 'plan', 'create', '--help'], times: [] as number[] },
      { name: 'the same from its sources', args: [source, 'plan', 'create', '--help'], times: [] as number[] },
    ]
    for (let turn = 0; turn < repeats; turn++) {
      for (const { args, times } of cases) times.push(timeMs(args))
    }
    console.log('| command | shortest | median |\n| --- | --: | --: |')
    for (const { name, times } of cases) {
      const sorted = times.toSorted((left, right) => left - right)
      const [shortest = 0, median = 0] = [sorted[0], sorted[Math.floor(sorted.length / 2)]]
      console.log(`| \`${name}\` | ${shortest.toFixed(0)} ms | ${median.toFixed(0)} ms |`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** How long one start takes; a file that has been read before. */
function timeMs(args: readonly string[]): number {
  const startedAt = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { env: { PATH: process.env.PATH } })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr.toString()}`)
  return performance.now() - startedAt
}

if (values.help) console.log(help)
else await bench(Number(values.repeats))
