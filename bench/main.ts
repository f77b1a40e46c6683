import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What each benchmark measures; its folder has its name. */
const benchmarks = new Map([
  ['agent', "an agent's start, its memory, and jobs with trivial scripts, one alone and many at once"],
  ['api', 'requests per second of a manager with a million jobs and ten thousand plans, and how long they take'],
  [
    'dashboard',
    'how long each page of the dashboard takes to show its data, with a million jobs and ten thousand instances',
  ],
  ['cli', 'how long the command line takes to start, beside a Node that does nothing'],
  ['schedule', 'the cost of a query for due plans, how fast due plans become jobs, and how late jobs start'],
  ['soak', 'for hours, what a manager and an agent hold, the size of their database, and how late jobs begin'],
  ['transfer', 'moving dumps into the store of the lab and back: ours beside zstd | age | aws, rclone and restic'],
  ['transfer-memory', 'the peak memory of an agent while it moves dumps of several sizes'],
])

const help = `npm run bench -- NAME [OPTION]…: measures, and asserts nothing. Results are in docs/performance.md.

${[...benchmarks].map(([name, measures]) => `  ${name.padEnd(17)}${measures}`).join('\n')}

\`npm run bench -- NAME --help\` shows the options of a benchmark.`

const [wanted = ''] = process.argv.slice(2)
if (benchmarks.has(wanted)) {
  // A lab that is started for a benchmark accepts large objects, as other servers do.
  process.env.LAB_SWIFT_MAX_FILE_SIZE ??= '5368709122'
  await import(pathToFileURL(join(import.meta.dirname, wanted, 'main.ts')).href)
} else if (wanted === '--help' || wanted === '-h') {
  console.log(help)
} else {
  console.error(help)
  process.exitCode = 2
}
