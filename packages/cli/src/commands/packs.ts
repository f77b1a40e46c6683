import { errorMessage } from '@osb-backup/node'
import { exitCodes, UsageError } from '../exit-code.ts'
import type { Program } from './program-context.ts'

/** Adds `pack`. */
export function addPackCommands({ command, action }: Program): void {
  const pack = command.command('pack').description('Check script packs')
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
    .action(
      action(async (session, _: object, directory: string) => {
        const { checkPack } = await import('../packs/check-pack.ts')
        const checked = await checkPack(directory, session.io.signal).catch((error: unknown) => {
          session.io.signal.throwIfAborted()
          throw new UsageError(`${directory} cannot be checked: ${errorMessage(error)}`, { cause: error })
        })
        const { printer } = session
        const errors = checked.findings.filter(({ severity }) => severity === 'error').length
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
      }),
    )
}
