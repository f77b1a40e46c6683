import { ApiError, type BackupClient } from '@osb-backup/client'
import type { Command } from 'commander'
import { applyChange } from '../declarative/apply-changes.ts'
import { type Change, changesOf, diffLines } from '../declarative/changes.ts'
import { type CurrentState, neededFor, readCurrent } from '../declarative/current-state.ts'
import { type DesiredDocument, documentJsonSchema, readDesired, withLabel } from '../declarative/documents.ts'
import { exportDocuments } from '../declarative/export-documents.ts'
import { deleteLabelled, type Pruning, pruningsOf, remainsOf } from '../declarative/prune.ts'
import { CliError, UsageError } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { toYaml } from '../output/describe.ts'
import type { Style } from '../output/style.ts'
import { findId } from '../resources/resource.ts'
import { instanceResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

interface ApplyOptions {
  file: string[]
  dryRun?: boolean
  updateSecrets?: boolean
  label?: string
  prune?: boolean
}

/** What `apply` would do. */
interface Comparison {
  state: CurrentState
  changes: Change[]
  prunings: (Pruning & { remains: string })[]
}

const repeated = (value: string, previous: readonly string[] = []) => [...previous, value]

const help = `
A document has the fields of the API, "kind" (agent, instance, destination, plan, policy or channel), and names other resources by name:

  kind: plan
  instance: shop-db
  name: nightly
  destination: s3
  items: [shop]
  schedule: {cron: '0 2 * * *'}
  retention: {style: days, period: 14}

Secrets: password: {fromEnv: AGENT_PASSWORD} or {fromFile: password.txt}. Fields that a document does not name keep their value;
null removes one. Secrets that are stored cannot be compared: they are sent with other changes, or with --update-secrets.

--label gives whatever the documents describe this label. With --prune, what has the label and is not described by any of these
documents is deleted, as the "delete" commands do: restore points and stored objects stay. What something else still uses is kept.`

/** Adds `apply`, `diff`, `export` and `schema`. */
export function addDeclarative({ command, action }: Program): void {
  withFiles(
    command.command('apply').description('Create and change resources until they are as documents describe them'),
  )
    .option('--dry-run', 'only show what would change')
    .addHelpText('after', help)
    .action(
      action(async (session, options: ApplyOptions) => {
        const { state, changes, prunings } = await compare(session, options)
        show(session, changes, prunings)
        const open = changes.filter(({ action: wanted }) => wanted !== 'none')
        const deletions = prunings.filter(({ action: wanted }) => wanted === 'delete')
        if (open.length + deletions.length === 0) return session.printer.note('Nothing to change.')
        if (options.dryRun) return session.printer.note('Nothing was changed (--dry-run).')
        if (!(await confirm(session.io, session.flags, questionOf(open.length, deletions.length)))) {
          throw new CliError('Nothing was changed.')
        }
        await applyAll(session, state, open)
        await deleteAll(session, deletions, options.label ?? '')
      }),
    )
  withFiles(command.command('diff').description('Show what apply would change; exits with 1 if anything differs'))
    .addHelpText('after', help)
    .action(
      action(async (session, options: ApplyOptions) => {
        const { changes, prunings } = await compare(session, options)
        show(session, changes, prunings)
        const differs = changes.some(({ action: wanted }) => wanted !== 'none')
        if (differs || prunings.some(({ action: wanted }) => wanted === 'delete')) process.exitCode = 1
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
        const channels = wanted === undefined && (await mayReadChannels(session, client))
        const documents = exportDocuments(
          await readCurrent(client, { instances: wanted, channels, policies: wanted === undefined }),
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

/** Whether channels can be read; a warning says if not. */
async function mayReadChannels({ printer }: Session, client: BackupClient): Promise<boolean> {
  try {
    await client.notificationChannels.list({ limit: 1 })
    return true
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 403)) throw error
    printer.warn('The notification channels are left out: only admins of all instances may read them.')
    return false
  }
}

function withFiles(command: Command): Command {
  return command
    .requiredOption('-f, --file <file>', 'file, directory, or - for standard input; may be repeated', repeated)
    .option('--update-secrets', 'send secrets though nothing else has changed')
    .option('--label <label>', 'give this label to all that the documents describe')
    .option('--prune', 'delete what has the label and is not described any more')
}

async function compare(session: Session, options: ApplyOptions): Promise<Comparison> {
  const { file, updateSecrets = false, label, prune = false } = options
  if (prune && label === undefined) {
    throw new UsageError('--prune needs --label: it deletes nothing but what has a label.', {
      hint: 'Pass --label NAME, the same each time that these documents are applied.',
    })
  }
  const read = await readDesired(session.io, file)
  if (file.includes('-') && !session.flags.yes && file.length > 1)
    throw new UsageError('Standard input and files exclude each other.')
  const desired = label === undefined ? read : withLabel(read, label)
  const client = await session.client()
  const needed = neededFor(desired)
  const state = await readCurrent(
    client,
    prune ? { channels: needed.channels || (await mayReadChannels(session, client)), policies: true } : needed,
  )
  const changes = changesOf(desired, state, updateSecrets)
  return { state, changes, prunings: prune ? await prunings(client, desired, state, label ?? '') : [] }
}

async function prunings(
  client: BackupClient,
  desired: readonly DesiredDocument[],
  state: CurrentState,
  label: string,
): Promise<Comparison['prunings']> {
  const result: Comparison['prunings'] = []
  for (const pruning of pruningsOf(desired, state, label)) {
    const remains = pruning.action === 'delete' ? await remainsOf(client, pruning.resource) : ''
    result.push({ ...pruning, remains })
  }
  return result
}

function show({ printer }: Session, changes: readonly Change[], pruned: Comparison['prunings']): void {
  if (printer.isStructured) {
    const shown = [
      ...changes.map(({ action, document, current }) => ({
        action,
        kind: document.kind,
        name: document.key,
        id: current?.id,
      })),
      ...pruned.map(({ action, resource: { kind, key, id }, usedBy, remains }) => ({
        ...{ action, kind, name: key, id, usedBy },
        ...(remains === '' ? {} : { remains }),
      })),
    ]
    printer.list(shown, { columns: [], name: ({ name }) => name, empty: '' })
  } else {
    printer.lines(changes.flatMap((change) => diffLines(change, printer.style)))
    printer.lines(pruned.map((pruning) => pruningLine(pruning, printer.style)))
  }
}

function pruningLine(
  { action, resource: { kind, key }, usedBy, remains }: Comparison['prunings'][number],
  style: Style,
) {
  if (action === 'keep') return `  ${kind} ${key}: not described any more, but kept: ${usedBy} uses it`
  return `${style('red', '-')} ${kind} ${key}: delete${remains === '' ? '' : `; ${remains}`}`
}

function questionOf(changes: number, deletions: number): string {
  const applied = changes === 1 ? 'apply this change' : `apply these ${changes} changes`
  const deleted = deletions === 1 ? 'delete one resource' : `delete ${deletions} resources`
  const whole = [changes > 0 ? applied : '', deletions > 0 ? deleted : ''].filter(Boolean).join(' and ')
  return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}?`
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

async function deleteAll(session: Session, deletions: Comparison['prunings'], label: string): Promise<void> {
  const { printer } = session
  const client = await session.client()
  for (const [index, { resource, remains }] of deletions.entries()) {
    const name = `the ${resource.kind} "${resource.key}"`
    const isDeleted = await deleteLabelled(client, resource, label).catch((error: unknown) => {
      printer.warn(`Not deleted: ${name}; ${index} of ${deletions.length} resources were pruned.`)
      throw error
    })
    if (isDeleted) printer.note(`Deleted ${name}${remains === '' ? '' : `; ${remains}`}.`)
    else printer.note(`Kept ${name}: somebody else deleted it, or changed its label.`)
  }
}
