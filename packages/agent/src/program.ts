import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { heedStopSignals } from '@osb-backup/core'
import { messageOf } from './checked.ts'
import { SettingsError } from './settings/agent-settings.ts'
import { readSettings } from './settings/read-settings.ts'
import { settingsHelp } from './settings/variables.ts'
import type { Agent } from './start-agent.ts'

const help = `npm run agent: the backup agent, beside the database it backs up. Settings are read from the environment:

${settingsHelp()}

SIGTERM and SIGINT end the agent: it takes no new jobs, lets the running ones end for as long as shutdown_grace_seconds says,
then cancels them and lets them clean up and unlock. Another signal two seconds later or more ends it at once; the next
start finishes what is left.`

/** Starts the agent, and stops it when asked to. */
async function main(): Promise<void> {
  const settings = readSettings(process.env)
  // Halves the time of a start, and takes a fifth off its memory. Code must come from where nobody else can write.
  enableCompileCache(join(settings.stateDirectory, 'code'))
  const { startAgent } = await import('./start-agent.ts')
  const starting = startAgent(settings)
  endWhenAsked(starting)
  const agent = await starting
  flushCompileCache()
  console.log(`The agent listens on ${agent.url}`)
}

/** Ends the agent when it is asked to, from its start on. */
function endWhenAsked(starting: Promise<Agent>): void {
  const stop = async () => {
    const agent = await starting
    await agent.stop().catch((error: unknown) => {
      console.error(`The agent did not stop cleanly: ${messageOf(error)}`)
      process.exitCode = 1
    })
  }
  heedStopSignals(process, () => performance.now(), {
    // A start that fails is told of by whoever started.
    stop: () => void stop().catch(() => undefined),
    endNow() {
      console.error('The agent ends at once, as it was asked to a second time. Its next start finishes what is left.')
      process.exit(1)
    },
  })
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
