import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { labDown, labUp } from '../../lab/index.ts'
import { ensurePackages } from '../../tools/packages.ts'
import { runChaos } from './chaos.ts'
import { reportOf } from './report.ts'

const help = `npm run chaos -- [--minutes 1] [--managers 3] [--agents 3] [--seed N]: plans fire and people work while processes are killed,
stopped and suspended, networks are cut, the database server crashes, the object store delays and loses responses, clocks are
wrong, and disks and descriptors run out. Then it waits until all jobs have ended, and prints how often each guarantee was
checked and how often it was violated: exit status 1 if any was. The same seed chooses the same faults.
--managers 0 starts one manager on its embedded PostgreSQL. As root on Linux everything happens; otherwise it says what is skipped.`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    managers: { type: 'string', default: '3' },
    agents: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) console.log(help)
else await run()

async function run(): Promise<void> {
  console.log(`seed ${values.seed}`)
  await ensurePackages()
  const { env, wasRunning } = await labUp()
  try {
    const result = await runChaos({
      seed: Number(values.seed),
      seconds: Number(values.minutes) * 60,
      managers: Number(values.managers),
      agents: Number(values.agents),
      s3: env.s3,
      log: (line) => console.log(`${new Date().toISOString()} ${line}`),
    })
    const { violations } = result.counters
    for (const violation of violations) console.log(violation)
    console.log(`\n${reportOf(result)}`)
    process.exitCode = violations.length === 0 ? 0 : 1
  } finally {
    if (!wasRunning) await labDown()
  }
}
