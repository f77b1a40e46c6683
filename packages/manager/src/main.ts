import { handleShutdownSignals, SettingsError, VERSION } from '@osb-backup/node'
import { help } from './commands/help.ts'
import { readCommand, UsageError } from './commands/read-command.ts'
import { type DataCommand, runCommand } from './commands/run-command.ts'
import { type RunningManager, startManager } from './manager.ts'
import { readSettings } from './settings/settings.ts'

const monotonicMs = () => performance.now()

/** Exits with one sentence. */
function fail(error: unknown): never {
  if (error instanceof UsageError) {
    console.error(`${error.message} See --help.`)
    process.exit(2)
  }
  console.error(error instanceof SettingsError ? error.message : error)
  process.exit(1)
}

/** Exits when the manager cannot continue. */
function exitOnFatal(error: Error): void {
  console.error(error.message)
  process.exit(1)
}

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2))
  switch (command.name) {
    case 'help':
      console.log(help)
      return
    case 'version':
      console.log(VERSION)
      return
    case 'start':
      return start()
    default:
      return runToEnd(command)
  }
}

/** Runs a command; a signal stops it together with what was started for it. */
async function runToEnd(command: DataCommand): Promise<void> {
  const stopping = new AbortController()
  handleShutdownSignals(process, monotonicMs, {
    shutdown: () => stopping.abort(),
    forceExit() {
      console.error('Forced to exit by a second signal: a PostgreSQL that the command started may still run.')
      process.exit(1)
    },
  })
  try {
    console.log(await runCommand(command, readSettings(), stopping.signal))
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    console.error('Stopped by a signal before the command was complete.')
    process.exitCode = 1
  }
}

async function start(): Promise<void> {
  const starting = startManager(readSettings(), exitOnFatal)
  shutDownOnSignals(starting)
  const manager = await starting
  if (manager.newKeyPath !== undefined) {
    console.log(
      `Created the key that seals stored secrets: ${manager.newKeyPath}. Keep a copy elsewhere; without it the stored credentials are lost.`,
    )
  }
  if (manager.firstToken !== undefined) {
    console.log(`Admin token (shown this once, stored in ${manager.firstToken.path}): ${manager.firstToken.token}`)
  }
  console.log(`The manager listens on ${manager.url}`)
}

/** Shuts the manager down on signals, also while it starts. */
function shutDownOnSignals(starting: Promise<RunningManager>): void {
  let running: RunningManager | undefined
  const shutdown = async () => {
    running = await starting
    await running.stop()
    process.exit(0)
  }
  const forceExit = async () => {
    console.error('Forced to exit by a second signal. Jobs continue at their agents.')
    await running?.stopDatabase()
    process.exit(1)
  }
  handleShutdownSignals(process, monotonicMs, {
    shutdown: () => void shutdown().catch(fail),
    forceExit: () => void forceExit().catch(fail),
  })
}

await main().catch(fail)
