import { settingsHelp, VERSION } from '@osb-backup/node'
import { Command, CommanderError } from 'commander'
import { agentSettingsSections } from './settings/agent-settings-table.ts'

/** What the command line asks for: a text to be printed, or that the agent starts. */
export type AgentCommand = { print: string } | { start: true } | { mistake: string }

/** Reads the command line. */
export function readCommandLine(args: readonly string[]): AgentCommand {
  let print = ''
  const program = new Command('npm run agent --')
    .description('Starts the backup agent, which runs beside the database that it backs up.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpText(
      'after',
      `
SIGTERM and SIGINT shut the agent down: it accepts no new jobs, waits up to shutdown_grace_seconds for the running ones,
then cancels them and runs their cleanup and unlock scripts. A second signal, two seconds later or more, forces it to exit;
the next start then runs those scripts.

Settings are environment variables.

${settingsHelp(agentSettingsSections)}`,
    )
    .exitOverride()
    .configureOutput({
      writeOut(text) {
        print += text
      },
      writeErr: () => undefined,
      getOutHelpWidth: () => 120,
    })
    .action(() => undefined)
  try {
    program.parse([...args], { from: 'user' })
    return { start: true }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { print: print.trimEnd() }
    return { mistake: `${error.message.replace(/^error: /, '').replace(/\.?$/, '.')} See --help.` }
  }
}
