import { parseArgs } from 'node:util'
import { messageOf } from './checked.ts'
import { readSettings, SettingsError, settingsHelp } from './settings.ts'
import { startAgent } from './start-agent.ts'

const help = `npm run agent: the backup agent, beside the database it backs up. Settings are read from the environment:

${settingsHelp()}

SIGTERM and SIGINT cancel the running jobs, let them clean up and unlock, and end the agent; a second one ends it at once.`

/** Starts the agent, and stops it when asked to. */
async function main(): Promise<void> {
  const agent = await startAgent(readSettings(process.env))
  console.log(`The agent listens on ${agent.url}`)
  let isStopping = false
  const stop = () => {
    if (isStopping) process.exit(1)
    isStopping = true
    agent.stop().catch((error: unknown) => {
      console.error(`The agent did not stop cleanly: ${messageOf(error)}`)
      process.exitCode = 1
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

try {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
  if (values.help) console.log(help)
  else await main()
} catch (error) {
  // A setting's sentence says all; anything else is a bug and keeps its stack.
  console.error(error instanceof SettingsError ? error.message : error)
  process.exitCode = 1
}
