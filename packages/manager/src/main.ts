#!/usr/bin/env -S node --max-semi-space-size=4
import {
  errorCode,
  errorMessage,
  handleShutdownSignals,
  notifyReady,
  SettingsError,
  usePlainValidationMessages,
  VERSION,
} from '@osb-backup/node'
import { readCommand, UsageError } from './commands/read-command.ts'
import { type DataCommand, runCommand } from './commands/run-command.ts'
import { DatabaseUnavailable } from './database/database-unavailable.ts'
import { type RunningManager, startManager } from './manager.ts'
import { readSettings } from './settings/settings.ts'

const monotonicMs = () => performance.now()

/** Exits with one sentence. */
function fail(error: unknown): never {
  if (error instanceof UsageError) {
    console.error(`${error.message} See --help.`)
    process.exit(2)
  }
  console.error(error instanceof SettingsError ? error.message : (systemProblem(error) ?? error))
  process.exit(1)
}

/** What the operating system, or a database that was lost meanwhile, prevented; anything else is a bug and keeps its stack. */
function systemProblem(error: unknown): string | undefined {
  if (errorCode(error) === 'ENOSPC')
    return 'The disk of DATA_DIR is full: free some space, and start the manager again.'
  const isOurs = error instanceof DatabaseUnavailable || (error instanceof Error && 'syscall' in error)
  return isOurs ? `The manager cannot start: ${error.message.replace(/\.$/, '')}.` : undefined
}

/** Exits when the manager cannot continue. */
function exitOnFatal(error: Error): void {
  console.error(error.message)
  process.exit(1)
}

async function main(): Promise<void> {
  usePlainValidationMessages()
  const command = readCommand(process.argv.slice(2))
  switch (command.name) {
    case 'help':
      console.log(command.text.trimEnd())
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
  const stopping = new AbortController()
  const settings = readSettings()
  const starting = startManager(settings, exitOnFatal, stopping.signal)
  shutDownOnSignals(starting, stopping, settings.shutdownTimeoutSeconds)
  const manager = await starting.catch((error: unknown) => {
    if (stopping.signal.aborted) process.exit(0)
    throw error
  })
  if (manager.newKeyPath !== undefined) {
    console.log(
      `Created the key that seals stored secrets: ${manager.newKeyPath}. Keep a copy elsewhere; without it the stored credentials are lost.`,
    )
  }
  if (manager.firstToken !== undefined) {
    console.log(`Admin token (shown this once, stored in ${manager.firstToken.path}): ${manager.firstToken.token}`)
  }
  console.log(`The manager listens on ${manager.url}`)
  await notifyReady(settings.supervision, (error) => console.error(`systemd was not notified: ${errorMessage(error)}`))
}

/** Shuts the manager down on signals, also while it starts. A database that does not answer delays that no longer than the limit. */
function shutDownOnSignals(starting: Promise<RunningManager>, stopping: AbortController, timeoutSeconds: number): void {
  let running: RunningManager | undefined
  const exitNow = async (reason: string) => {
    console.error(`${reason} Jobs continue at their agents.`)
    await running?.stopDatabase()
    process.exit(1)
  }
  const shutdown = async () => {
    stopping.abort(new Error('the manager is stopping'))
    const reason = `Not stopped within SHUTDOWN_TIMEOUT_SECONDS (${timeoutSeconds} seconds): exiting nevertheless.`
    setTimeout(() => void exitNow(reason).catch(fail), timeoutSeconds * 1000)
    running = await starting
    await running.stop()
    process.exit(0)
  }
  const forceExit = () => exitNow('Forced to exit by a second signal.')
  handleShutdownSignals(process, monotonicMs, {
    shutdown: () => void shutdown().catch(fail),
    forceExit: () => void forceExit().catch(fail),
  })
}

// Without `await` here, so that it can be built as CommonJS, which starts faster.
void main().catch(fail)
