import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '@osb-backup/storage'
import { type LabEnv, labUp } from '../../lab/index.ts'
import { agentContender, startAgent } from './agent-contender.ts'
import { type Contender, environmentOf, ourCommand, shellContenders } from './contenders.ts'
import { makeData } from './data.ts'
import { median, type Taken } from './measure.ts'
import { shareOfSteps } from './steps.ts'

const help = `npm run bench -- transfer [--megabytes N] [--repeats N]: moves a pg_dump and a tar of /usr/lib (400 MB each by
default) into the lab's store and back, by a running agent, with our command, with zstd | age | aws, and with aws, rclone and restic,
in turns. Prints the medians of the repeats (3 by default) as tables. Requires awscli, rclone and restic besides what the lab needs.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    help: { type: 'boolean', short: 'h' },
    megabytes: { type: 'string', default: '400' },
    repeats: { type: 'string', default: '3' },
  },
})
const run = promisify(execFile)

const groups: readonly Contender['group'][] = ['compressed and encrypted', 'as it is', 'other tools']

interface Measured {
  store: Taken[]
  restore: Taken[]
}

async function bench(): Promise<void> {
  const { env: lab } = await labUp()
  const folder = await mkdtemp(join(tmpdir(), 'osb-bench-'))
  const bucket = `bench-${randomUUID()}`
  const environment = environmentOf(lab, bucket, folder)
  const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
  const settings = { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey } as const
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  try {
    await writeFile(join(folder, 'destination.json'), JSON.stringify(settings))
    const { stderr } = await run('age-keygen', ['-o', join(folder, 'identity')])
    const recipient = stderr.replace('Public key: ', '').trim()
    environment.RECIPIENT = recipient
    await describeMachine(environment)
    const data = Object.entries(await makeData(lab, folder, Number(values.megabytes) * 1e6))
    const agent = await startAgent(folder)
    try {
      const identity = identityIn(await readFile(join(folder, 'identity'), 'utf8'))
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
      ].toSorted((left, right) => groups.indexOf(left.group) - groups.indexOf(right.group))
      for (const [what, input] of data) await benchData(what, input, contenders, environment)
    } finally {
      await agent.stop()
    }
  } finally {
    const store = openStore(settings)
    for await (const { name } of store.list('')) await store.remove(name)
    await client.send(new DeleteBucketCommand({ Bucket: bucket }))
    await emptySegments(lab, bucket)
    await rm(folder, { recursive: true })
  }
}

function identityIn(file: string): string {
  return file.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? ''
}

/** The containers that Swift and its S3 API keep parts in. */
async function emptySegments(lab: LabEnv, bucket: string): Promise<void> {
  for (const container of [`${bucket}+segments`, `${bucket}_segments`]) {
    const segments = openStore({ type: 'swift', ...lab.swift, container })
    try {
      for await (const { name } of segments.list('')) await segments.remove(name)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'absent')) throw error
    }
  }
}

async function describeMachine(env: Record<string, string>): Promise<void> {
  const versions = ['zstd --version', 'age --version', 'aws --version', 'rclone version', 'restic version']
  const said = await Promise.all(versions.map((command) => run('bash', ['-c', command], { env })))
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
  const env = { ...environment, INPUT: input, OUTPUT: output, NAME: 'profiled' }
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
