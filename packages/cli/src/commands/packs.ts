import { join, resolve } from 'node:path'
import { resolveParameters } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import { NO_KEY, packFileSchema, packNameSchema } from '@osb-backup/protocol'
import { InvalidArgumentError } from 'commander'
import { exitCodes, UsageError } from '../exit-code.ts'
import { readObject } from '../input/document.ts'
import { readSecret } from '../input/secret.ts'
import type { Finding, PackCheck } from '../packs/check-pack.ts'
import type { TestedService } from '../packs/stage-runner.ts'
import type { TestStep } from '../packs/test-pack.ts'
import type { Session } from '../session.ts'
import { addParameterOptions, type ParameterOptions, parametersOf } from './create-options.ts'
import type { Program } from './program-context.ts'

interface NewOptions {
  directory?: string
  lock?: boolean
}

interface TestOptions extends ParameterOptions {
  host: string
  port?: number
  username: string
  passwordFile?: string
  privilegedUsername?: string
  privilegedPasswordFile?: string
  item: string
  restoreInto?: string
}

/** Adds `pack`. */
export function addPackCommands({ command, action }: Program): void {
  const pack = command.command('pack').description('Create, check and test script packs')
  pack
    .command('new')
    .description('Create a script pack whose stages are to be written; until then they fail')
    .argument('<name>', 'name of the pack: lower case letters, digits and dashes')
    .option('--directory <directory>', 'where it is created; by default a directory of its name')
    .option('--lock', 'with stages that lock and unlock the service')
    .addHelpText(
      'after',
      `
Example:
  osb-backup pack new cassandra`,
    )
    .action(action(create))
  pack
    .command('check')
    .description('Check the scripts of a directory against the contract of their form; exits with 1 if one breaks it')
    .argument('<directory>', 'the scripts, with a pack.json for form 2')
    .addHelpText(
      'after',
      `
It runs none of the scripts. It finds missing stages, faults of pack.json, pipelines that hide a failure, and secrets in
arguments; with shellcheck installed, what that finds too.

Example:
  osb-backup pack check script-packs/postgresql`,
    )
    .action(action(check))
  addParameterOptions(
    pack
      .command('test')
      .description('Run all stages of a pack against a real service; exits with 1 if one does not do what it must')
      .argument('<directory>', 'the scripts, with their pack.json')
      .requiredOption('--host <address>', 'where the service is')
      .option('--port <port>', 'its TCP port', portArgument)
      .requiredOption('--username <name>', 'account that dumps and restores')
      .option('--password-file <file>', 'file with its password, or - for standard input')
      .option('--privileged-username <name>', 'second account, for scripts that need more rights')
      .option('--privileged-password-file <file>', 'file with its password, or - for standard input')
      .requiredOption('--item <item>', 'what is backed up')
      .option('--restore-into <name>', 'what is restored into, several times: WHAT IS IN IT IS LOST'),
    'every script',
  )
    .addHelpText(
      'after',
      `
It backs the item up, kills the scripts in the middle of each stage, runs cleanup and unlock twice as an agent does after a crash,
and backs up again. With --restore-into it does the same with restores, and expects that a restore of half a dump, and one of what is
no dump, fail. Use a service that nobody else needs.

Example:
  osb-backup pack test ./mysql --host 127.0.0.1 --port 3306 --username backup --password-file pw.txt \\
    --item shop --restore-into shop_copy`,
    )
    .action(action(test))
}

async function create(session: Session, { directory, lock = false }: NewOptions, name: string): Promise<void> {
  const problem = packNameSchema.safeParse(name).error?.issues[0]
  if (problem !== undefined) throw new UsageError(`<name>: ${problem.message}.`)
  const { createPack } = await import('../packs/new-pack.ts')
  const path = directory ?? name
  const files = await createPack(path, name, { lock })
  session.printer.value(
    { name, directory: resolve(path), files },
    { name: path, human: () => [`Created ${files.length} files in ${path}.`] },
  )
  session.printer.note(
    `Next: write its stages, then "osb-backup pack check ${path}" and "osb-backup pack test --help".`,
  )
}

async function check(session: Session, _: object, directory: string): Promise<void> {
  const checked = await checkDirectory(session, directory)
  const { printer } = session
  const errors = checked.findings.filter(isError).length
  printer.value(checked, {
    name: errors === 0 ? 'ok' : 'failed',
    human: () => [
      ...checked.findings.map(({ severity, file, line, message }) => {
        const place = line === undefined ? file : `${file}:${line}`
        return `${printer.style(severity === 'error' ? 'red' : 'yellow', severity)}: ${place}: ${message}`
      }),
      `Form ${checked.form}: ${errors} errors, ${checked.findings.length - errors} warnings.`,
    ],
  })
  if (!checked.hasShellcheck) printer.note('Install shellcheck to have the scripts checked further.')
  if (errors > 0) process.exitCode = exitCodes.failed
}

const isError = ({ severity }: Finding) => severity === 'error'

async function checkDirectory({ io }: Session, directory: string): Promise<PackCheck> {
  const { checkPack } = await import('../packs/check-pack.ts')
  return checkPack(directory, io.signal).catch((error: unknown) => {
    io.signal.throwIfAborted()
    throw new UsageError(`${directory} cannot be checked: ${errorMessage(error)}`, { cause: error })
  })
}

async function test(session: Session, options: TestOptions, directory: string): Promise<void> {
  const { io, printer } = session
  const { form, findings } = await checkDirectory(session, directory)
  if (form === 1) throw new UsageError(`${directory} has no pack.json: only packs of form 2 can be tested.`)
  const [first] = findings.filter(isError)
  if (first !== undefined) {
    throw new UsageError(`${first.file}: ${first.message}.`, { hint: `Run "osb-backup pack check ${directory}".` })
  }
  if (options.restoreInto === options.item) {
    throw new UsageError('--restore-into must not be the item: what is restored into is lost.')
  }
  const service = await serviceOf(session, options, directory)
  const steps: TestStep[] = []
  const report = (step: TestStep) => {
    steps.push(step)
    const { name, ok, message } = step
    const state = ok ? printer.style('green', 'ok') : printer.style('red', 'failed')
    if (!printer.isStructured && printer.format !== 'name') {
      printer.lines([`${state}: ${name}${message === undefined ? '' : `: ${message}`}`])
    }
  }
  const { testPack } = await import('../packs/test-pack.ts')
  const { item, restoreInto: target } = options
  await testPack({ directory: resolve(directory), service, item, target }, report, io.signal)
  const failed = steps.filter(({ ok }) => !ok).length
  const summary = `${steps.length - failed} of ${steps.length} steps did what they must.`
  printer.value({ steps }, { name: failed === 0 ? 'ok' : 'failed', human: () => [summary] })
  if (target === undefined) printer.note('Restores were not tested: name a scratch database with --restore-into.')
  if (failed > 0) process.exitCode = exitCodes.failed
}

async function serviceOf({ io }: Session, options: TestOptions, directory: string): Promise<TestedService> {
  const { passwordFile, privilegedPasswordFile } = options
  const declared = packFileSchema.parse(await readObject(io, join(directory, 'pack.json'))).parameters
  const given = Object.entries((await parametersOf(io, options)) ?? {}).map(([name, value]) => ({ name, value }))
  const resolved = resolveParameters(declared, given)
  if (!resolved.ok) throw new UsageError(`${resolved.error}.`)
  return {
    host: options.host,
    port: options.port,
    username: options.username,
    // As a manager sends it where there is none.
    password: passwordFile === undefined ? NO_KEY : await readSecret(io, passwordFile, 'the password'),
    privilegedUsername: options.privilegedUsername,
    privilegedPassword:
      privilegedPasswordFile === undefined
        ? undefined
        : await readSecret(io, privilegedPasswordFile, 'the second password'),
    parameters: resolved.value,
  }
}

function portArgument(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be a port.')
  return port
}
