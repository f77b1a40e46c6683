import { handleShutdownSignals } from '@osb-backup/node'
import { help } from './commands/help.ts'
import { readCommand, UsageError } from './commands/read-command.ts'
import { type DataCommand, runCommand } from './commands/run-command.ts'
import { type RunningManager, startManager } from './manager.ts'
import { SettingError } from './settings/setting-error.ts'
import { readSettings } from './settings/settings.ts'

const monotonicMs = () => performance.now()

/** Ends the process with one sentence. */
function fail(error: unknown): never {
  if (error instanceof UsageError) {
    console.error(`${error.message} See --help.`)
    process.exit(2)
  }
  console.error(error instanceof SettingError ? error.message : error)
  process.exit(1)
}

/** Ends the process when it cannot go on. */
function abandon(error: Error): void {
  console.error(error.message)
  process.exit(1)
}

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2), new Date())
  switch (command.name) {
    case 'help':
      console.log(help)
      return
    case 'start':
      return start()
    default:
      return runToEnd(command)
  }
}

/** Runs a command; when it is asked to end, what was started for it is stopped all the same. */
async function runToEnd(command: DataCommand): Promise<void> {
  const stopping = new AbortController()
  handleShutdownSignals(process, monotonicMs, {
    shutdown: () => stopping.abort(),
    forceExit() {
      console.error(
        'The command ends at once, as it was asked to a second time. A PostgreSQL that it started may stay up.',
      )
      process.exit(1)
    },
  })
  try {
    console.log(await runCommand(command, readSettings(), new Date(), stopping.signal))
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    console.error('Stopped as asked to, before all was done.')
    process.exitCode = 1
  }
}

async function start(): Promise<void> {
  const starting = startManager(readSettings(), abandon)
  endWhenAsked(starting)
  const manager = await starting
  if (manager.newKeyPath !== undefined) {
    console.log(
      `Made the key that seals stored secrets: ${manager.newKeyPath}. Keep a copy elsewhere; without it the stored credentials are lost.`,
    )
  }
  if (manager.firstToken !== undefined) {
    console.log(`Admin token (shown this once, kept in ${manager.firstToken.path}): ${manager.firstToken.token}`)
  }
  console.log(`The manager listens on ${manager.url}`)
}

/** Ends the manager when it is asked to, from its start on. */
function endWhenAsked(starting: Promise<RunningManager>): void {
  let running: RunningManager | undefined
  const stop = async () => {
    running = await starting
    await running.stop()
    process.exit(0)
  }
  const endNow = async () => {
    console.error('The manager ends at once, as it was asked to a second time. Jobs go on at their agents.')
    await running?.stopDatabase()
    process.exit(1)
  }
  handleShutdownSignals(process, monotonicMs, {
    shutdown: () => void stop().catch(fail),
    forceExit: () => void endNow().catch(fail),
  })
}

await main().catch(fail)
