import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
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
import { type CommandLine, commandLineOf } from './command-line.ts'
import { filesScenario } from './files-scenario.ts'
import { postgresScenario } from './postgres-scenario.ts'
import type { Scenario } from './scenario.ts'

const help = `npm run demo [-- --keep] [-- --files]

Backs up real data, damages it, restores it, and shows that every byte is back: with a manager and an agent in processes
of their own, into a directory as file destination, by the commands that a user would type. Uses a PostgreSQL database where PostgreSQL's programs are installed, otherwise
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

async function register(osbBackup: CommandLine, agent: AgentProcess, scenario: Scenario, folder: string) {
  const passwordFile = join(folder, 'agent-password')
  await writeFile(passwordFile, agent.password, { mode: 0o600 })
  const credentials = ['--username', agent.username, '--password-file', passwordFile]
  await osbBackup('agent', 'create', agent.url, '--name', 'demo-agent', ...credentials)
  await osbBackup('instance', 'create', INSTANCE, '--agent', 'demo-agent', ...scenario.instanceOptions)
  const directory = ['--kind', 'file', '--directory', join(folder, 'destinations')]
  await osbBackup('destination', 'create', '--instance', INSTANCE, '--name', 'disk', ...directory)
  const items = scenario.items.flatMap((item) => ['--item', item])
  const schedule = ['--cron', '0 2 * * *', '--timezone', 'Europe/Berlin', '--keep', '7']
  await osbBackup(
    'plan',
    'create',
    '--instance',
    INSTANCE,
    '--name',
    'nightly',
    '--destination',
    'disk',
    ...items,
    ...schedule,
  )
}

/** The demo itself, once everything runs. */
async function mainJob(osbBackup: CommandLine, scenario: Scenario): Promise<void> {
  const before = await scenario.digest()
  say(`2. Back up ${scenario.title} (digest ${before.slice(0, 16)}…)`)
  await osbBackup('backup', INSTANCE, '--wait')
  await osbBackup('restore-point', 'list', '--instance', INSTANCE)
  say('3. Damage the data')
  console.log(`   ${await scenario.damage()}`)
  console.log(`   digest now: ${(await scenario.digest()).slice(0, 48)}…`)
  if ((await scenario.digest()) === before) throw new Error('the damage did nothing')

  say('4. Restore')
  await osbBackup('restore', INSTANCE, '--wait', '--yes')
  const after = await scenario.digest()
  console.log(`\n   digest now: ${after.slice(0, 16)}…`)
  if (after !== before) throw new Error('the restored data differs from what was backed up')
  say('   Byte for byte back.')
}

function nextSteps({ url, token }: ManagerProcess): string {
  return `The dashboard is at ${url}/ (token ${token}). At the command line, in this folder:

  export OSB_BACKUP_URL=${url} OSB_BACKUP_TOKEN=${token}
  npm run -s cli -- status
  npm run -s cli -- job list --instance ${INSTANCE}`
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
      const osbBackup = commandLineOf(manager, signal)
      await register(osbBackup, agent, scenario, folder.path)
      await mainJob(osbBackup, scenario)
      if (options.keep) {
        say(`${nextSteps(manager)}\n\nCtrl-C ends the demo.`)
        if (!signal.aborted) await once(signal, 'abort')
      } else {
        say('Next: `npm run demo -- --keep` stays up to be explored; README.md shows how to start both for real.')
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
