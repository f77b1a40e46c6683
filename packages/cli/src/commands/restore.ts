import type { BackupClient } from '@osb-backup/client'
import type { Job, RestorePoint, RestoreRequest } from '@osb-backup/protocol/v1'
import type { Command } from 'commander'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { identityIn } from '../input/identity.ts'
import { nearest } from '../input/nearest.ts'
import { checkParameters, declaredParameters, rejectPlainSecrets } from '../input/pack-parameters.ts'
import { confirmByName } from '../input/prompt.ts'
import { readSecret } from '../input/secret.ts'
import { localInstant } from '../output/describe.ts'
import { formatBytes, formatRelative } from '../output/units.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { instanceResource, restorePointResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import { addParameterOptions, type ParameterOptions, parametersOf } from './create-options.ts'
import { instantArgument } from './filters.ts'
import type { Program } from './program-context.ts'
import { addWaitOptions, finishJobs, type WaitOptions } from './start-jobs.ts'

/** Options of commands that restore. */
export interface RestoreOptions extends WaitOptions, ParameterOptions {
  to?: string
  as?: string
  identityFile?: string
  cancelBackups?: boolean
  dryRun?: boolean
}

interface ShortcutOptions extends RestoreOptions {
  at?: string
  point?: string
}

/** Adds the options of a restore. */
export function addRestoreOptions(command: Command): Command {
  return addWaitOptions(
    addParameterOptions(command, 'the scripts of this job')
      .option('--to <instance>', 'restore to this service instance; by default to its own')
      .option('--as <name>', 'write this database; by default the one that was dumped')
      .option('--identity-file <file>', 'file with the age identity that decrypts it, if the manager keeps none')
      .option('--cancel-backups', 'cancel backup jobs that work on the database; by default the restore waits for them')
      .option('--dry-run', 'only say what would be restored'),
  )
}

/** Adds `restore`. */
export function addRestore({ command, action, io }: Program): void {
  addRestoreOptions(
    command
      .command('restore')
      .description(
        'Restore items of a service instance from the newest good restore points, or those of a point in time',
      )
      .argument('<instance>', 'ID, or unique beginning of an ID')
      .argument('[item...]', 'databases; all that have a restore point by default')
      .option(
        '--at <time>',
        'from the newest restore points that were taken by then: RFC 3339, a local date and time, or 2h, 7d (ago)',
        (text) => instantArgument(text, io),
      )
      .option('--point <id>', 'from this restore point'),
  )
    .addHelpText(
      'after',
      `
Data that is there is overwritten, so the name of the instance is asked for. --yes answers that.

Examples:
  osb-backup restore shop-db shop --wait
  osb-backup restore shop-db shop --at "2026-03-01 14:00" --as shop_restored --wait
  osb-backup restore shop-db --point 69a3a7c0 --to shop-staging --wait`,
    )
    .action(
      action(async (session, options: ShortcutOptions, name: string, items: string[]) => {
        const client = await session.client()
        const isExact = session.flags.yes ?? false
        const instance = await findEntry(client, instanceResource, name, { isExact })
        const points = await chosenPoints(session, client, instance.id, items, options)
        await restorePoints(session, points, options)
      }),
    )
}

async function chosenPoints(
  session: Session,
  client: BackupClient,
  instanceId: string,
  items: readonly string[],
  { point, at }: ShortcutOptions,
): Promise<RestorePoint[]> {
  if (point !== undefined) {
    if (at !== undefined) throw new UsageError('--point and --at exclude each other.')
    return [await pointOf(client, point, instanceId, items, session.flags.yes ?? false)]
  }
  const { items: known } = await client.instances.listItems(instanceId)
  const names = known.map((each) => each.name)
  const unknown = items.find((item) => !names.includes(item))
  if (unknown !== undefined) {
    throw new CliError(`Nothing of "${unknown}" was backed up.${nearest(unknown, names)}`, {
      exitCode: exitCodes.notFound,
    })
  }
  const points: RestorePoint[] = []
  for (const item of items.length > 0 ? new Set(items) : names) {
    const found = await newestGoodPoint(client, instanceId, item, at)
    if (found !== undefined) points.push(found)
    else if (items.length > 0) throw noPoint(item, at)
    else session.printer.warn(`"${item}" has no good restore point${by(at)} and is not restored.`)
  }
  if (points.length === 0) throw noPoint(instanceId, at)
  return points
}

async function pointOf(
  client: BackupClient,
  text: string,
  instanceId: string,
  items: readonly string[],
  isExact: boolean,
): Promise<RestorePoint> {
  const found = await findEntry(client, restorePointResource, text, { isExact })
  if (found.instanceId !== instanceId) {
    throw new UsageError(`The restore point ${found.id} belongs to the instance "${found.instanceId}".`)
  }
  if (items.some((item) => item !== found.item))
    throw new UsageError(`The restore point ${found.id} is of "${found.item}".`)
  return found
}

/** The newest restore point that can be restored and counts as a backup. */
async function newestGoodPoint(
  client: BackupClient,
  instance: string,
  item: string,
  at: string | undefined,
): Promise<RestorePoint | undefined> {
  // `until` is exclusive.
  const until = at === undefined ? undefined : new Date(Date.parse(at) + 1).toISOString()
  for await (const point of client.restorePoints.iterate({ instance, item, until, limit: 50 })) {
    const isLost =
      point.deletion !== undefined || point.verification?.state === 'damaged' || point.verification?.state === 'missing'
    // Filters may search for parts of a name.
    if (!isLost && !point.suspicious && point.item === item) return point
  }
  return undefined
}

const noPoint = (name: string, at: string | undefined) =>
  new CliError(`There is no good restore point of "${name}"${by(at)}.`, {
    exitCode: exitCodes.notFound,
    hint: 'See all with "osb-backup restore-point list", and restore one with --point.',
  })

const by = (at: string | undefined) => (at === undefined ? '' : ` by ${localInstant(at)}`)

/** Restores restore points after a confirmation. */
export async function restorePoints(
  session: Session,
  points: readonly RestorePoint[],
  options: RestoreOptions,
): Promise<void> {
  const { io, printer, flags } = session
  const client = await session.client()
  if (options.as !== undefined && points.length > 1) throw new UsageError('--as needs exactly one item.')
  const targetId =
    options.to === undefined
      ? points[0]?.instanceId
      : await findId(client, instanceResource, options.to, { isExact: flags.yes ?? false })
  if (targetId === undefined) throw new UsageError('There is nothing to restore.')
  for (const point of points) announce(session, point, `${targetId}/${options.as ?? point.item}`)
  if (options.dryRun) return printer.note('Nothing was restored (--dry-run).')
  const request = await requestOf(session, options, targetId)
  if (request.parameters !== undefined) {
    const declared = await declaredParameters(client, await client.instances.get(targetId))
    rejectPlainSecrets(declared, options.parameter)
    await checkParameters(session, declared, request.parameters)
  }
  const question = `This overwrites data of the service instance "${targetId}".`
  if (!(await confirmByName(io, flags, question, targetId))) throw new CliError('Nothing was restored.')
  const jobs: Job[] = []
  for (const point of points) {
    try {
      jobs.push(await client.restorePoints.restore(point.id, request, { idempotencyKey: newIdempotencyKey() }))
    } catch (error) {
      if (jobs.length > 0) printer.warn(`Already started: ${jobs.map(({ id }) => id).join(', ')}. The rest was not.`)
      throw error
    }
  }
  await finishJobs(session, jobs, options, expectedBytes(jobs, points))
}

function announce({ io, printer }: Session, point: RestorePoint, target: string): void {
  const { instanceId, item, takenAt, sizeBytes, suspicious, usualSizeBytes, verification } = point
  const facts = `${formatRelative(takenAt, io.now())}, ${formatBytes(sizeBytes)}`
  printer.note(`${instanceId}/${item} of ${localInstant(takenAt)} (${facts}) → ${target}`)
  if (suspicious) printer.warn(`Its size is suspicious: ${formatBytes(usualSizeBytes ?? 0)} are usual.`)
  if (verification?.state === 'damaged') printer.warn('It was found damaged when it was last verified.')
}

async function requestOf({ io }: Session, options: RestoreOptions, targetId: string): Promise<RestoreRequest> {
  const { to, as, cancelBackups, identityFile } = options
  const parameters = await parametersOf(io, options)
  return {
    ...(to === undefined ? {} : { instanceId: targetId }),
    ...(as === undefined ? {} : { database: as }),
    ...(cancelBackups ? { cancelBackups: true } : {}),
    ...(parameters === undefined ? {} : { parameters }),
    ...(identityFile === undefined
      ? {}
      : { privateKey: identityIn(await readSecret(io, identityFile, 'the identity')) }),
  }
}

/** The sizes that the jobs will write, by job and item. */
function expectedBytes(jobs: readonly Job[], points: readonly RestorePoint[]): Map<string, number> {
  const sizes = jobs.flatMap(({ id, parts }, index) => {
    const size = points[index]?.originalSizeBytes
    return size === undefined ? [] : parts.map(({ item }) => [`${id}/${item}`, size] as const)
  })
  return new Map(sizes)
}
