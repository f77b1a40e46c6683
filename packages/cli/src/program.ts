import { VERSION } from '@osb-backup/node'
import { Command, Option } from 'commander'
import { addAccessCommands } from './commands/access.ts'
import { addAgentCommands } from './commands/agents.ts'
import { addAlarmCommands } from './commands/alarms.ts'
import { addBackup } from './commands/backup.ts'
import { addChannelCommands } from './commands/channels.ts'
import { addClock } from './commands/clock.ts'
import { addCloneCommands } from './commands/clones.ts'
import { addCompletion } from './commands/completion.ts'
import { addDeclarative } from './commands/declarative.ts'
import { addDestinationCommands } from './commands/destinations.ts'
import { addDrillCommands } from './commands/drills.ts'
import { addInstanceCommands } from './commands/instances.ts'
import { addJobCommands } from './commands/jobs.ts'
import { addContext, addLogin } from './commands/login.ts'
import { addObjectCommands } from './commands/objects.ts'
import { addPackCommands } from './commands/packs.ts'
import { addPlanCommands } from './commands/plans.ts'
import { addPolicyCommands } from './commands/policies.ts'
import { createActionFactory } from './commands/program-context.ts'
import { addReconciliations } from './commands/reconciliations.ts'
import { addReport } from './commands/report.ts'
import { addRestore } from './commands/restore.ts'
import { addRestorePointCommands } from './commands/restore-points.ts'
import { addServiceBrokerCommands } from './commands/service-brokers.ts'
import { addStatus } from './commands/status.ts'
import { exitCodeMeanings } from './exit-code.ts'
import type { Io } from './io.ts'
import { outputFormats } from './output/printer.ts'
import { addExamples } from './reference/examples.ts'

const createHelpCommand = () =>
  new Command('help').argument('[command...]').description('Print the help of a command').helpGroup('This program:')

/** The commands as the help groups them. */
const groups: Readonly<Record<string, readonly string[]>> = {
  'Sign in:': ['login', 'logout', 'whoami', 'context'],
  'Every day:': ['status', 'backup', 'restore', 'clone', 'job', 'restore-point', 'drill', 'report', 'alarm'],
  'What is backed up, and how:': [
    'instance',
    'agent',
    'destination',
    'plan',
    'policy',
    'channel',
    'service-broker',
    'provisioned-instance',
  ],
  'The same in files:': ['apply', 'diff', 'export', 'schema'],
  'Access and operation:': ['token', 'broker-account', 'audit', 'clock', 'notification', 'reconciliation'],
  'Without a manager:': ['object', 'pack'],
  'This program:': ['completion'],
}

const exitCodes = Object.entries(exitCodeMeanings).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)

/**
 * The whole command line: what parses it, helps with it and documents it.
 *
 * @param writeError - Writes what is wrong with a command line; to standard error by default.
 */
export function createProgram(io: Io, writeError = (text: string): unknown => io.stderr.write(text)): Command {
  const command = new Command('osb-backup')
    .description('Back up and restore the databases of service instances')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(createHelpCommand())
    .showSuggestionAfterError()
    .showHelpAfterError('Add --help for help.')
    .option('--url <url>', 'URL of the manager (OSB_BACKUP_URL)')
    .option('--context <name>', 'manager that you have signed in to (OSB_BACKUP_CONTEXT)')
    .option('--token-file <file>', 'file with the token (OSB_BACKUP_TOKEN_FILE; the token itself: OSB_BACKUP_TOKEN)')
    .option('--ca-file <file>', 'PEM file of authorities to trust in addition (OSB_BACKUP_CA_FILE)')
    .addOption(new Option('-o, --output <format>', 'format of the output').choices([...outputFormats]).default('table'))
    .option('-y, --yes', 'answer yes to every question')
    .option('--no-input', 'never ask; fail instead')
    .option('--no-color', 'no colours (NO_COLOR)')
    .option('-q, --quiet', 'no messages but errors and warnings')
    .addHelpText(
      'after',
      `\nExit codes:\n${exitCodes.join('\n')}\n\nBegin with: osb-backup login https://backup.example`,
    )
    .addHelpText('afterAll', ({ command: described }) =>
      described.parent === null ? '' : '\nOptions of all commands, such as -o json and --context: osb-backup --help',
    )
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: writeError,
      getOutHelpWidth: () => (io.stdout.isTTY ? io.stdout.columns : undefined) ?? 100,
      getErrHelpWidth: () => (io.stderr.isTTY ? io.stderr.columns : undefined) ?? 100,
    })
    .exitOverride()
  const program = { command, io, action: createActionFactory(command, io) }
  addLogin(program)
  addContext(program)
  addStatus(program)
  addBackup(program)
  addRestore(program)
  addJobCommands(program)
  addRestorePointCommands(program)
  addDrillCommands(program)
  addReport(program)
  addAlarmCommands(program)
  addInstanceCommands(program)
  addAgentCommands(program)
  addDestinationCommands(program)
  addPlanCommands(program)
  addPolicyCommands(program)
  addChannelCommands(program)
  addServiceBrokerCommands(program)
  addCloneCommands(program)
  addDeclarative(program)
  addAccessCommands(program)
  addClock(program)
  addReconciliations(program)
  addObjectCommands(program)
  addPackCommands(program)
  addCompletion(program)
  addExamples(command)
  groupCommands(command)
  return command
}

function groupCommands(program: Command): void {
  for (const [heading, names] of Object.entries(groups)) {
    for (const name of names) program.commands.find((each) => each.name() === name)?.helpGroup(heading)
  }
}
