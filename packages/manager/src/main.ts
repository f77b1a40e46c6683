import { parseArgs } from 'node:util'
import { startManager } from './manager.ts'
import { SettingError } from './setting-error.ts'
import { readSettings, settingDocs } from './settings.ts'

const help = `npm start: the manager. It takes no arguments; settings stand in the environment:

${settingDocs.map(({ name, default: value, means }) => `  ${name.padEnd(30)}${means} (${value})`).join('\n')}
`

/** Ends the process with one sentence. */
function fail(error: unknown): never {
  console.error(error instanceof SettingError ? error.message : error)
  process.exit(1)
}

/** Whether help is asked for; anything else on the command line ends the process. */
function isHelpAsked(): boolean {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' } } }).values.help === true
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error} See --help.`)
    process.exit(2)
  }
}

/** Ends the process when it cannot go on. */
function abandon(error: Error): void {
  console.error(error.message)
  process.exit(1)
}

if (isHelpAsked()) {
  console.log(help)
} else {
  const manager = await Promise.resolve()
    .then(() => startManager(readSettings(process.env), abandon))
    .catch(fail)
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
