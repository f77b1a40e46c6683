import { readCommand, UsageError } from './commands/read-command.ts'
import { runCommand } from './commands/run-command.ts'
import { help } from './help.ts'
import { startManager } from './manager.ts'
import { SettingError } from './setting-error.ts'
import { readSettings } from './settings.ts'

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
      console.log(await runCommand(command, readSettings(process.env), new Date()))
  }
}

async function start(): Promise<void> {
  const manager = await startManager(readSettings(process.env), abandon)
  if (manager.newKeyPath !== undefined) {
    console.log(
      `Made the key that seals stored secrets: ${manager.newKeyPath}. Keep a copy elsewhere; without it the stored credentials are lost.`,
    )
  }
  if (manager.firstToken !== undefined) {
    console.log(`Admin token (shown this once, kept in ${manager.firstToken.path}): ${manager.firstToken.token}`)
  }
  console.log(`The manager listens on ${manager.url}`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      manager.stop().then(() => process.exit(0), fail)
    })
  }
}

await main().catch(fail)
