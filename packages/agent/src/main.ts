#!/usr/bin/env -S node --max-semi-space-size=1
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import {
  createDirectory,
  errorMessage,
  handleShutdownSignals,
  notifyReady,
  readSupervision,
  SettingsError,
  usePlainValidationMessages,
} from '@osb-backup/node'
import { openStateDirectory } from './directory-checks.ts'
import { readSettings } from './settings/read-settings.ts'
import type { Agent } from './start-agent.ts'

/** Starts the agent. It runs until it receives a signal. */
async function main(): Promise<void> {
  usePlainValidationMessages()
  const settings = readSettings(process.env)
  // Checked before code is loaded from there.
  await openStateDirectory(settings)
  const codeDirectory = join(settings.stateDirectory, 'code')
  // Halves the time of a start and reduces its memory by a fifth. Nobody else may write where code is loaded from.
  await createDirectory(codeDirectory, 0o700).then(
    () => enableCompileCache(codeDirectory),
    () => undefined,
  )
  const { startAgent } = await import('./start-agent.ts')
  const stopping = new AbortController()
  const starting = startAgent(settings, stopping.signal)
  shutDownOnSignal(starting, stopping)
  const agent = await starting
  flushCompileCache()
  console.log(`The agent listens on ${agent.url}`)
  await notifyReady(readSupervision(process.env), (error) =>
    console.error(`systemd was not notified: ${errorMessage(error)}`),
  )
}

/** Shuts the agent down on SIGTERM and SIGINT, also while it is still starting. */
function shutDownOnSignal(starting: Promise<Agent>, stopping: AbortController): void {
  const shutdown = async () => {
    stopping.abort()
    const agent = await starting
    await agent.stop().catch((error: unknown) => {
      console.error(`The agent did not stop cleanly: ${errorMessage(error)}`)
      process.exitCode = 1
    })
  }
  handleShutdownSignals(process, () => performance.now(), {
    // A start that fails is reported where it was awaited.
    shutdown: () => void shutdown().catch(() => undefined),
    forceExit() {
      console.error('Forced to exit by a second signal. The next start of the agent finishes the interrupted jobs.')
      process.exit(1)
    },
  })
}

async function run(args: readonly string[]): Promise<void> {
  // Loaded only where there is something to read: an agent that runs keeps little in memory.
  const command = args.length === 0 ? { start: true } : (await import('./command-line.ts')).readCommandLine(args)
  if ('print' in command) console.log(command.print)
  else if ('mistake' in command) {
    console.error(command.mistake)
    process.exitCode = 2
  } else await main()
}

// Without `await` here, so that it can be built as CommonJS, which starts faster.
void run(process.argv.slice(2)).catch((error: unknown) => {
  // The message of a settings error is complete, and that of the system says what is wrong with the machine; anything
  // else is a bug and keeps its stack.
  const isSystemError = error instanceof Error && 'syscall' in error
  if (isSystemError) console.error(`The agent cannot start: ${error.message}.`)
  else console.error(error instanceof SettingsError ? error.message : error)
  process.exitCode = 1
})
