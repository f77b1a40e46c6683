import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { handleShutdownSignals } from '@osb-backup/node'
import {
  type AgentProcess,
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
} from '@osb-backup/testkit'
import { filesScenario } from './files-scenario.ts'
import { postgresScenario } from './postgres-scenario.ts'
import type { Scenario } from './scenario.ts'
import { watchJob } from './watch-job.ts'

const help = `npm run demo [-- --keep] [-- --files]

Backs up real data, damages it, restores it, and shows that every byte is back: with a manager and an agent in processes
of their own, into a directory as file destination. Uses a PostgreSQL database where PostgreSQL's programs are installed, otherwise
(or with --files) a directory of files. Needs no root and leaves nothing behind.

  --keep    keep everything running afterwards, to be explored by hand
  --files   back up files even if PostgreSQL is installed

Ctrl-C stops the demo at any time and shuts everything down; a second one, two seconds later or more, forces the exit.`

const repository = join(import.meta.dirname, '..')
const INSTANCE = 'demo-instance'

const say = (text: string) => console.log(`\n${text}`)

async function startPair(
  folder: string,
  scenario: Scenario,
): Promise<{ manager: ManagerProcess; agent: AgentProcess }> {
  const destinations = join(folder, 'destinations')
  await mkdir(destinations)
  const agent = await startAgentProcess({
    directory_backup: join(folder, 'agent', 'backup'),
    directory_restore: join(folder, 'agent', 'restore'),
    scripts_path: join(repository, 'script-packs', scenario.pack),
    file_destination_root: destinations,
  })
  const manager = await startManagerProcess({
    DATA_DIR: join(folder, 'manager'),
    ADMIN_TOKEN: `osbb_demo-${randomUUID()}`,
    FILE_DESTINATION_ROOT: destinations,
    AGENT_POLL_MS: '200',
  }).catch(async (error: unknown) => {
    await agent.stop()
    throw error
  })
  return { manager, agent }
}

async function register(
  { client }: ManagerProcess,
  agent: AgentProcess,
  scenario: Scenario,
  folder: string,
): Promise<string> {
  const { url, username, password } = agent
  const { id: agentId } = await client.agents.create({ name: 'demo agent', url, username, password })
  await client.instances.create({ id: INSTANCE, agentId, ...scenario.instance })
  const destination = await client.destinations.create({
    instanceId: INSTANCE,
    name: 'a directory',
    store: { kind: 'file', directory: join(folder, 'destinations') },
  })
  const plan = await client.plans.create({
    instanceId: INSTANCE,
    name: 'nightly',
    destinationId: destination.id,
    items: scenario.items,
    schedule: { cron: '0 0 2 * * *', timezone: 'Europe/Berlin' },
    retention: { style: 'count', period: 7 },
  })
  return plan.id
}

/** The demo itself, once everything runs. */
async function mainJob(
  manager: ManagerProcess,
  planId: string,
  scenario: Scenario,
  signal: AbortSignal,
): Promise<void> {
  const { client } = manager
  const before = await scenario.digest()
  say(`2. Back up ${scenario.title} (digest ${before.slice(0, 16)}…)`)
  const backup = await watchJob(client, (await client.plans.run(planId)).id, scenario.expectedBytes, signal)
  for (const { item, objectName, sizeBytes, sha256 } of backup.parts) {
    console.log(`   ${item}: ${objectName}, ${sizeBytes?.toLocaleString('en')} bytes, SHA-256 ${sha256?.slice(0, 16)}…`)
  }
  say('3. Damage the data')
  console.log(`   ${await scenario.damage()}`)
  console.log(`   digest now: ${(await scenario.digest()).slice(0, 48)}…`)
  if ((await scenario.digest()) === before) throw new Error('the damage did nothing')

  say('4. Restore')
  for await (const point of client.restorePoints.iterate({ job: backup.id })) {
    const { id } = await client.restorePoints.restore(point.id)
    await watchJob(client, id, scenario.expectedBytes, signal)
  }
  const after = await scenario.digest()
  console.log(`   digest now: ${after.slice(0, 16)}…`)
  if (after !== before) throw new Error('the restored data differs from what was backed up')
  say('   Byte for byte back.')
}

function nextSteps({ url, token }: ManagerProcess, agent: AgentProcess): string {
  return `The manager answers on ${url} (token ${token}), the agent on ${agent.url}. Try:

  curl -H "Authorization: Bearer ${token}" ${url}/v1/jobs?instance=${INSTANCE}
  curl -u ${agent.username}:${agent.password} ${agent.url}/status`
}

/** Sets everything up, runs the demo, and takes everything down again, also when the signal ends it. */
async function demo(options: { keep: boolean; files: boolean }, signal: AbortSignal): Promise<void> {
  await using folder = await makeTemporaryFolder()
  say('1. Start a manager and an agent, and register a service instance, a file destination and a plan')
  const scenario = (!options.files && (await postgresScenario(folder.path))) || (await filesScenario(folder.path))
  try {
    signal.throwIfAborted()
    const { manager, agent } = await startPair(folder.path, scenario)
    try {
      console.log(`   manager ${manager.url}   agent ${agent.url}`)
      signal.throwIfAborted()
      await mainJob(manager, await register(manager, agent, scenario, folder.path), scenario, signal)
      if (options.keep) {
        say(`${nextSteps(manager, agent)}\n\nCtrl-C ends the demo.`)
        if (!signal.aborted) await once(signal, 'abort')
      } else {
        say(
          'Next: `npm run demo -- --keep` stays up to be tried with curl; README.md shows how to start both for real.',
        )
      }
    } finally {
      // At once: a terminal has signalled both already, and they would take what comes late for a second Ctrl-C.
      await Promise.all([manager.stop(), agent.stop()])
    }
  } finally {
    await scenario.stop()
  }
}

const stopping = new AbortController()

try {
  const { values } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, keep: { type: 'boolean' }, files: { type: 'boolean' } },
  })
  if (values.help) console.log(help)
  else {
    handleShutdownSignals(process, () => performance.now(), {
      shutdown() {
        say('Shutting down.')
        stopping.abort()
      },
      forceExit() {
        console.error('Forced to exit by a second signal: processes that the demo started may still run.')
        process.exit(1)
      },
    })
    await demo({ keep: values.keep ?? false, files: values.files ?? false }, stopping.signal)
  }
} catch (error) {
  // Stopped before its end: that was said, and what failed for it is of no interest.
  if (!stopping.signal.aborted) console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
