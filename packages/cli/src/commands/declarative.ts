import { ApiError, type BackupClient } from '@osb-backup/client'
import type { Command } from 'commander'
import { applyChange } from '../declarative/apply-changes.ts'
import { type Change, changesOf, diffLines } from '../declarative/changes.ts'
import { type CurrentState, neededFor, readCurrent } from '../declarative/current-state.ts'
import { documentJsonSchema, readDesired } from '../declarative/documents.ts'
import { exportDocuments } from '../declarative/export-documents.ts'
import { CliError, UsageError } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { toYaml } from '../output/describe.ts'
import { findId } from '../resources/resource.ts'
import { instanceResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

interface ApplyOptions {
  file: string[]
  dryRun?: boolean
  updateSecrets?: boolean
}

const repeated = (value: string, previous: readonly string[] = []) => [...previous, value]

const help = `
A document has the fields of the API, "kind" (agent, instance, destination, plan or channel), and names other resources by name:

  kind: plan
  instance: shop-db
  name: nightly
  destination: s3
  items: [shop]
  schedule: {cron: '0 2 * * *'}
  retention: {style: days, period: 14}

Secrets: password: {fromEnv: AGENT_PASSWORD} or {fromFile: password.txt}. Fields that a document does not name keep their value;
null removes one. Secrets that are stored cannot be compared: they are sent with other changes, or with --update-secrets.`

/** Adds `apply`, `diff`, `export` and `schema`. */
export function addDeclarative({ command, action }: Program): void {
  withFiles(
    command.command('apply').description('Create and change resources until they are as documents describe them'),
  )
    .option('--dry-run', 'only show what would change')
    .addHelpText('after', help)
    .action(
      action(async (session, options: ApplyOptions) => {
        const { state, changes } = await compare(session, options)
        show(session, changes)
        const open = changes.filter(({ action: wanted }) => wanted !== 'none')
        if (open.length === 0) return session.printer.note('Nothing to change.')
        if (options.dryRun) return session.printer.note('Nothing was changed (--dry-run).')
        if (
          !(await confirm(
            session.io,
            session.flags,
            `Apply ${open.length === 1 ? 'this change' : `these ${open.length} changes`}?`,
          ))
        ) {
          throw new CliError('Nothing was changed.')
        }
        await applyAll(session, state, open)
      }),
    )
  withFiles(command.command('diff').description('Show what apply would change; exits with 1 if anything differs'))
    .addHelpText('after', help)
    .action(
      action(async (session, options: ApplyOptions) => {
        const { changes } = await compare(session, options)
        show(session, changes)
        if (changes.some(({ action: wanted }) => wanted !== 'none')) process.exitCode = 1
      }),
    )
  command
    .command('export')
    .description('Print documents that describe what there is; secrets are references to environment variables')
    .option('--instance <instance>', 'only this service instance, with its agent, destinations and plans')
    .action(
      action(async (session, { instance }: { instance?: string }) => {
        const client = await session.client()
        const wanted = instance === undefined ? undefined : new Set([await findId(client, instanceResource, instance)])
        const channels = wanted === undefined && (await mayReadChannels(client))
        if (wanted === undefined && !channels) {
          session.printer.warn('The notification channels are left out: only admins of all instances may read them.')
        }
        const documents = exportDocuments(
          await readCurrent(client, { instances: wanted, channels }),
          wanted !== undefined,
        )
        if (session.printer.format === 'json') session.printer.list(documents, { columns: [], name: String, empty: '' })
        else session.printer.lines([documents.map(toYaml).join('---\n').trimEnd()])
      }),
    )
  command
    .command('schema')
    .description('Print the JSON Schema of documents, for editors')
    .action(action((session) => session.printer.lines([JSON.stringify(documentJsonSchema(), undefined, 2)])))
}

async function mayReadChannels(client: BackupClient): Promise<boolean> {
  try {
    await client.notificationChannels.list({ limit: 1 })
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return false
    throw error
  }
}

function withFiles(command: Command): Command {
  return command
    .requiredOption('-f, --file <file>', 'file, directory, or - for standard input; may be repeated', repeated)
    .option('--update-secrets', 'send secrets though nothing else has changed')
}

async function compare(
  session: Session,
  { file, updateSecrets }: ApplyOptions,
): Promise<{ state: CurrentState; changes: Change[] }> {
  const desired = await readDesired(session.io, file)
  if (file.includes('-') && !session.flags.yes && file.length > 1)
    throw new UsageError('Standard input and files exclude each other.')
  const state = await readCurrent(await session.client(), neededFor(desired))
  return { state, changes: changesOf(desired, state, updateSecrets ?? false) }
}

function show({ printer }: Session, changes: readonly Change[]): void {
  if (printer.isStructured) {
    const shown = changes.map(({ action, document, current }) => ({
      action,
      kind: document.kind,
      name: document.key,
      id: current?.id,
    }))
    printer.list(shown, { columns: [], name: ({ name }) => name, empty: '' })
  } else printer.lines(changes.flatMap((change) => diffLines(change, printer.style)))
}

async function applyAll(session: Session, state: CurrentState, changes: readonly Change[]): Promise<void> {
  const { printer } = session
  const client = await session.client()
  for (const [index, change] of changes.entries()) {
    const { document, action } = change
    try {
      await applyChange(session.io, client, state, change)
    } catch (error) {
      printer.warn(
        `${document.source}: the ${document.kind} "${document.key}" was not changed; ${index} of ${changes.length} changes were applied.`,
      )
      throw error
    }
    printer.note(`${action === 'create' ? 'Created' : 'Changed'} the ${document.kind} "${document.key}".`)
  }
}
