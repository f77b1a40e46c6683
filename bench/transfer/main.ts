import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm, stat } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { agentContender, startAgent } from './agent-contender.ts'
import { type Contender, ourCommand, shellContenders } from './contenders.ts'
import { makeData } from './data.ts'
import { benchLatency } from './latency.ts'
import { median, type Taken } from './measure.ts'
import { type Place, withPlace } from './place.ts'
import { benchSmallDumps } from './small-dumps.ts'
import { shareOfSteps } from './steps.ts'

const help = `npm run bench -- transfer [OPTION]…: moves a pg_dump and a tar of /usr/lib into the lab's store and back, by a running
agent, with our command, with zstd | age | aws, and with aws, rclone and restic, in turns. Prints medians as tables. Requires awscli,
rclone and restic besides what the lab needs.

  --megabytes N      size of each of the two (350)
  --repeats N        how often each is moved (3)
  --only TEXT,…      only contenders whose name contains one of these: agent, age, aws, rclone, restic (all)
  --small-dumps N    instead: N dumps of 1 MB through one agent (200 in docs/performance.md)
  --latency-ms N     instead: the tar by an agent, over a way with and without that latency`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    help: { type: 'boolean', short: 'h' },
    megabytes: { type: 'string', default: '350' },
    repeats: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    'small-dumps': { type: 'string' },
    'latency-ms': { type: 'string' },
  },
})
const sizeBytes = Number(values.megabytes) * 1e6
const run = promisify(execFile)

const groups: readonly Contender['group'][] = ['compressed and encrypted', 'as it is', 'other tools']

interface Measured {
  store: Taken[]
  restore: Taken[]
}

async function bench(): Promise<void> {
  await withPlace(async (place) => {
    await describeMachine(place.environment)
    if (values['small-dumps'] !== undefined) return benchSmallDumps(place, Number(values['small-dumps']))
    if (values['latency-ms'] === undefined) return benchContenders(place)
    return benchLatency(place, Number(values['latency-ms']), { sizeBytes, repeats: Number(values.repeats) })
  })
}

async function benchContenders({ lab, folder, environment, recipient, identity }: Place): Promise<void> {
  const data = Object.entries(await makeData(lab, folder, sizeBytes))
  const agent = await startAgent(folder)
  try {
    const contenders = [
      agentContender(agent, lab, {
        name: 'our agent, zstd and age',
        group: 'compressed and encrypted',
        transforms: { compression: true, recipient, identity },
      }),
      agentContender(agent, lab, {
        name: 'our agent, as it is',
        group: 'as it is',
        transforms: { compression: false },
      }),
      ...shellContenders,
    ]
      .filter(({ name }) => values.only.split(',').some((part) => name.includes(part)))
      .toSorted((left, right) => groups.indexOf(left.group) - groups.indexOf(right.group))
    for (const [what, input] of data) await benchData(what, input, contenders, environment)
  } finally {
    await agent.stop()
  }
}

async function describeMachine(env: Record<string, string>): Promise<void> {
  const versions = ['zstd --version', 'age --version', 'aws --version', 'rclone version', 'restic version']
  const said = await Promise.all(versions.map((command) => run('bash', ['-c', `${command} || true`], { env })))
  const programs = said.map(({ stdout }) => stdout.split('\n')[0])
  console.log(`${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}\n${programs.join('\n')}\n`)
}

async function benchData(
  what: string,
  input: string,
  contenders: readonly Contender[],
  environment: Record<string, string>,
): Promise<void> {
  const measured = new Map(contenders.map(({ name }) => [name, { store: [], restore: [] } as Measured]))
  const output = join(dirname(input), 'restored')
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    for (const contender of contenders) {
      const name = randomUUID()
      const env = { ...environment, INPUT: input, OUTPUT: output, NAME: name }
      const taken = await benchOnce(contender, { ...env, RESTIC_REPOSITORY: `swift:${environment.BUCKET}:/${name}` })
      measured.get(contender.name)?.store.push(taken.store)
      measured.get(contender.name)?.restore.push(taken.restore)
    }
  }
  const { size } = await stat(input)
  console.log(`### ${what}, ${(size / 1e6).toFixed(0)} MB, middle of ${values.repeats}\n`)
  printTable(measured)
  const env = { ...environment, INPUT: input, OUTPUT: output, NAME: `profiled-${randomUUID()}` }
  for (const way of ['store', 'restore'] as const) {
    const shares = [...(await shareOfSteps(ourCommand[way], env))].filter(([, share]) => share >= 0.005)
    const line = shares.map(([step, share]) => `${step} ${(share * 100).toFixed(0)}%`).join(', ')
    console.log(`Main thread of our command, zstd and age, ${way}: ${line}.\n`)
  }
}

async function benchOnce(
  { prepare, store, restore }: Contender,
  env: Record<string, string>,
): Promise<{ store: Taken; restore: Taken }> {
  if (prepare !== undefined) await run('bash', ['-c', prepare], { env })
  const stored = await store(env)
  const restored = await restore(env)
  await run('cmp', [env.INPUT ?? '', env.OUTPUT ?? ''])
  await rm(env.OUTPUT ?? '')
  return { store: stored, restore: restored }
}

function printTable(measured: ReadonlyMap<string, Measured>): void {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)
  const cells = (runs: readonly Taken[]) => [
    median(runs.map(({ seconds }) => seconds)).toFixed(2),
    median(runs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
    megabytes(median(runs.map(({ peakBytes }) => peakBytes))),
  ]
  const heads = ['store s', 'CPU s', 'peak MB', 'restore s', 'CPU s', 'peak MB']
  console.log(`| | ${heads.join(' | ')} |\n|---|${heads.map(() => '--:').join('|')}|`)
  for (const [name, { store, restore }] of measured) {
    console.log(`| ${name} | ${[...cells(store), ...cells(restore)].join(' | ')} |`)
  }
  console.log()
}

if (values.help) console.log(help)
else await bench()
