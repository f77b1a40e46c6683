import type { Reconcile, Reconciliation } from '@osb-backup/protocol/v1'
import type { Command } from 'commander'
import { CliError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { confirm } from '../input/prompt.ts'
import { cleaned } from '../output/table.ts'
import { formatBytes } from '../output/units.ts'
import { findId } from '../resources/resource.ts'
import { destinationResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'
import { durationArgument } from './start-jobs.ts'

interface ReconcileOptions {
  remove?: boolean
  olderThan?: number
}

/** Adds `destination reconcile` and `destination adopt`. */
export function addReconciliationCommands({ action }: Program, destination: Command): void {
  withAge(
    destination
      .command('reconcile')
      .description('Compare what a destination holds with its restore points; exits with 1 if any lacks its object')
      .argument('<destination>', 'ID, unique beginning of an ID, or name')
      .option('--remove', 'remove orphans and incomplete uploads; by default they are only listed'),
  )
    .addHelpText(
      'after',
      `
Examples:
  osb-backup destination reconcile shop-db/nightly
  osb-backup destination reconcile shop-db/nightly --remove --older-than 7d`,
    )
    .action(action(reconcile))
  withAge(
    destination
      .command('adopt')
      .description('Record objects that have a manifest, but no restore point, as restore points on hold')
      .argument('<destination>', 'ID, unique beginning of an ID, or name'),
  )
    .addHelpText(
      'after',
      `
Nothing in the store is changed. End the hold of what retention may delete with "osb-backup restore-point release".

Example:
  osb-backup destination adopt shop-db/nightly`,
    )
    .action(
      action(async (session, options: ReconcileOptions, name: string) => {
        const client = await session.client()
        const ended = await run(session, await findId(client, destinationResource, name), { adopt: true }, options)
        if (ended.state !== 'succeeded' || (ended.findings?.notAdoptedCount ?? 0) > 0) process.exitCode = 1
      }),
    )
}

/** Adds `reconciliation`: those that are not waited for. */
export function addReconciliations({ command, action }: Program): void {
  const reconciliation = command
    .command('reconciliation')
    .description('Read and cancel reconciliations, which "destination reconcile" and "destination adopt" start')
  reconciliation
    .command('show')
    .description('Show a reconciliation, with its findings once it has succeeded')
    .argument('<id>', 'its whole ID')
    .action(
      action(async (session, _: object, id: string) => {
        const shown = await (await session.client()).reconciliations.get(id)
        session.printer.value(shown, { name: id, human: () => findingLines(shown) })
      }),
    )
  reconciliation
    .command('cancel')
    .description('Cancel a reconciliation; what it has removed stays removed')
    .argument('<id>', 'its whole ID')
    .action(
      action(async (session, _: object, id: string) => {
        const cancelled = await (await session.client()).reconciliations.cancel(id)
        session.printer.value(cancelled, { name: id, human: () => findingLines(cancelled) })
      }),
    )
}

function withAge(command: Command): Command {
  return command.option(
    '--older-than <duration>',
    'skip younger objects, which may belong to a running job (1d)',
    durationArgument,
  )
}

async function reconcile(session: Session, options: ReconcileOptions, name: string): Promise<void> {
  const { io, flags } = session
  const client = await session.client()
  const isExact = (options.remove ?? false) && (flags.yes ?? false)
  const id = await findId(client, destinationResource, name, { isExact })
  const question = 'Remove every object below the prefixes of its plans that no restore point knows?'
  if (options.remove && !(await confirm(io, flags, question))) throw new CliError('Nothing was removed.')
  const ended = await run(session, id, options.remove ? { remove: true } : {}, options)
  if (ended.state !== 'succeeded' || (ended.findings?.missingCount ?? 0) > 0) process.exitCode = 1
}

/** Starts a reconciliation, waits for its end and prints what it found. */
async function run(
  session: Session,
  id: string,
  what: Pick<Reconcile, 'adopt' | 'remove'>,
  { olderThan }: ReconcileOptions,
): Promise<Reconciliation> {
  const { io, printer } = session
  const client = await session.client()
  const request = { ...what, ...(olderThan === undefined ? {} : { olderThanSeconds: Math.round(olderThan) }) }
  const started = await client.destinations.reconcile(id, request, { idempotencyKey: newIdempotencyKey() })
  printer.note(`Started the reconciliation ${started.id}.`)
  const ended = await client.reconciliations.wait(started.id, { signal: io.signal }).catch((error: unknown) => {
    if (io.signal.aborted)
      throw new CliError(
        `Stopped waiting. The reconciliation ${started.id} continues. See "osb-backup reconciliation show ${started.id}".`,
      )
    throw error
  })
  printer.value(ended, { name: ended.id, human: () => findingLines(ended) })
  return ended
}

const notListedNames = { incompleteUploads: 'incomplete uploads', hiddenVersions: 'hidden versions' } as const

function findingLines({ state, error, findings, adopt }: Reconciliation): string[] {
  if (findings === undefined) return [`The reconciliation is ${state}${error === undefined ? '.' : `: ${error}`}`]
  const { objectCount, orphans, orphanCount, incompleteUploads, incompleteUploadCount, missing, missingCount } =
    findings
  const { adopted, adoptedCount, notAdopted, notAdoptedCount } = findings
  const { hiddenVersionCount, hiddenVersionBytes, deleteMarkerCount, notListed } = findings
  const hidden = `${hiddenVersionCount} hidden versions (${formatBytes(hiddenVersionBytes)}) and ${deleteMarkerCount} delete markers.`
  const outcome = ({ removed, error: why }: { removed: boolean; error?: string | undefined }) =>
    removed ? ' (removed)' : why === undefined ? '' : ` (not removed: ${why})`
  return [
    `${objectCount} objects, ${orphanCount} orphans, ${incompleteUploadCount} incomplete uploads, ${missingCount} restore points without an intact object.`,
    ...(adopt ? [`${adoptedCount} objects adopted as restore points on hold, ${notAdoptedCount} not adopted.`] : []),
    ...(hiddenVersionCount + deleteMarkerCount > 0 ? [hidden] : []),
    ...notListed.map((each) => cleaned(`  ${notListedNames[each.what]} not listed: ${each.problem}`)),
    ...adopted.map((each) => cleaned(`  adopted  ${each.name}  ${each.item}  (restore point ${each.restorePointId})`)),
    ...notAdopted.map((each) => cleaned(`  refused  ${each.name}: ${each.problem}`)),
    ...orphans.map((each) => cleaned(`  orphan   ${each.name}  ${formatBytes(each.sizeBytes)}${outcome(each)}`)),
    ...incompleteUploads.map((each) => cleaned(`  upload   ${each.name}${outcome(each)}`)),
    ...missing.map((each) => cleaned(`  ${each.state}  ${each.name}  (restore point ${each.restorePointId})`)),
  ]
}
