import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runChaos } from './chaos.ts'

const help = `npm run chaos -- [--seconds 60] [--managers 3] [--agents 3] [--seed N]: plans fire every second while managers, agents and
PostgreSQL are killed at random; then it waits until all jobs have ended, and verifies that no run was lost or doubled, every
success has its object, and nothing is locked. --managers 0 takes one manager on its embedded PostgreSQL.`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    managers: { type: 'string', default: '3' },
    agents: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(help)
} else {
  console.log(`seed ${values.seed}`)
  const counts = await runChaos({
    seed: Number(values.seed),
    seconds: Number(values.seconds),
    managers: Number(values.managers),
    agents: Number(values.agents),
    log: (line) => console.log(`${new Date().toISOString()} ${line}`),
  })
  console.table(counts)
}
