import type { BackupClient } from '@osb-backup/client'
import { type DrillSelection, type DrillTarget, drillSelections, type Job } from '@osb-backup/protocol/v1'
import { Option } from 'commander'
import { CliError, UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { summaryOf } from '../jobs/describe-job.ts'
import { localInstant } from '../output/describe.ts'
import { styleState } from '../output/style.ts'
import type { Column } from '../output/table.ts'
import { formatDuration, formatRelative } from '../output/units.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { instanceResource, jobResource, planResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import { collected } from './create-options.ts'
import type { Program } from './program-context.ts'
import { wholeNumber } from './resource-commands.ts'
import { addWaitOptions, finishJobs, type WaitOptions } from './start-jobs.ts'

const PLAN = 'ID, unique beginning of an ID, or name'
const DEFAULT_LIMIT = 50

/** Adds `drill`. */
export function addDrillCommands(program: Program): void {
  const { command, action } = program
  const drill = command
    .command('drill')
    .description('Prove that backups can be restored: restore them into a drill target, check them, and clean up')
  addWaitOptions(
    drill
      .command('run')
      .description('Start a drill of a plan now')
      .argument('<plan>', PLAN)
      .option('--item <item>', 'restore this item only; may be repeated', collected)
      .addOption(new Option('--select <which>', 'which restore point is restored').choices([...drillSelections])),
  ).action(
    action(async (session, options: WaitOptions & { item?: string[]; select?: DrillSelection }, name: string) => {
      const client = await session.client()
      const id = await findId(client, planResource, name)
      const { item: items, select } = options
      const job = await client.plans.drill(id, { items, select, idempotencyKey: newIdempotencyKey() })
      await finishJobs(session, [job], options)
    }),
  )
  addSet(program)
  drill
    .command('list')
    .alias('ls')
    .description('List drills, newest first')
    .option('--instance <instance>', 'only those of this service instance')
    .option('--plan <plan>', 'only those of this plan')
    .option('-n, --limit <count>', 'show at most this many', wholeNumber, DEFAULT_LIMIT)
    .action(action(listDrills))
  drill
    .command('show')
    .description('Show what a drill did and found out')
    .argument('<drill>', 'ID, or unique beginning of an ID')
    .action(
      action(async (session, _: object, name: string) => {
        const job = await findEntry(await session.client(), jobResource, name)
        if (job.kind !== 'drill') throw new CliError(`The job ${job.id} is no drill but a ${job.kind} job.`)
        session.printer.value(job, { name: job.id, human: () => drillLines(session, job) })
      }),
    )
}

interface SetOptions {
  target?: string
  database?: string
  cron?: string
  timezone?: string
  select?: DrillSelection
  off?: boolean
}

function addSet({ command, action }: Program): void {
  command.commands
    .find((each) => each.name() === 'drill')
    ?.command('set')
    .description('Give a plan drills, or change them; checks are edited with "plan edit" or in files')
    .argument('<plan>', PLAN)
    .option('--target <instance>', 'the drill target: an instance that was created with --drill-target')
    .option('--database <name>', 'restore every item over this database of the target, which stays')
    .option('--cron <expression>', 'when drills run; without it only when requested')
    .option('--timezone <zone>', 'IANA name of the time zone of the schedule')
    .addOption(new Option('--select <which>', 'which restore point is restored').choices([...drillSelections]))
    .option('--off', 'the plan has no drills any more')
    .addHelpText(
      'after',
      `
Examples:
  osb-backup drill set nightly --target drill-pg --cron "0 4 * * 0" --timezone Europe/Berlin
  osb-backup drill set nightly --off`,
    )
    .action(action(setDrill))
}

async function setDrill(session: Session, options: SetOptions, name: string): Promise<void> {
  const client = await session.client()
  const plan = await findEntry(client, planResource, name)
  const { cron, timezone, select, off } = options
  if (off) {
    const updated = await client.plans.update(plan.id, { drill: null })
    return session.printer.value(updated, { name: plan.id, human: () => [`The plan "${plan.name}" has no drills.`] })
  }
  const target = await targetOf(client, options, plan.drill?.target)
  const schedule = cron === undefined ? undefined : { cron, ...(timezone === undefined ? {} : { timezone }) }
  const updated = await client.plans.update(plan.id, {
    drill: { target, ...(schedule && { schedule }), ...(select && { select }) },
  })
  const next = updated.nextDrillAt === undefined ? '' : ` The next one is at ${localInstant(updated.nextDrillAt)}.`
  session.printer.value(updated, { name: plan.id, human: () => [`The plan "${plan.name}" has drills.${next}`] })
}

async function targetOf(
  client: BackupClient,
  { target, database }: SetOptions,
  stored: DrillTarget | undefined,
): Promise<DrillTarget> {
  const instanceId = target === undefined ? undefined : await findId(client, instanceResource, target)
  if (instanceId === undefined && stored === undefined)
    throw new UsageError('Pass --target: the plan has no drills yet.')
  if (instanceId === undefined) return { ...stored, ...(database && { database }) } as DrillTarget
  return { kind: 'instance', instanceId, ...(database && { database }) }
}

async function listDrills(
  session: Session,
  { instance, plan, limit }: { instance?: string; plan?: string; limit: number },
): Promise<void> {
  const client = await session.client()
  const query = {
    kind: 'drill',
    ...(instance === undefined ? {} : { instance: await findId(client, instanceResource, instance) }),
    ...(plan === undefined ? {} : { plan: await findId(client, planResource, plan) }),
  } as const
  const drills: Job[] = []
  for await (const job of client.jobs.iterate(query)) {
    drills.push(job)
    if (drills.length >= limit) break
  }
  const nowMs = session.io.now()
  const { style } = session.printer
  const columns: Column<Job>[] = [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'STATE', cell: ({ state }) => styleState(style, state) },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
    { header: 'PROVEN', cell: ({ parts }) => `${parts.filter((part) => part.drill?.passed).length}/${parts.length}` },
    { header: 'RECOVERY', cell: recoveryOf, align: 'right' },
    { header: 'STARTED', cell: (job) => formatRelative(job.startedAt ?? job.createdAt, nowMs) },
    {
      header: 'REASON',
      cell: ({ parts, drill }) => parts.find(({ error }) => error !== undefined)?.error ?? drill?.failure ?? '',
      shrinks: true,
    },
  ]
  session.printer.list(drills, { columns, name: ({ id }) => id, empty: 'There are no drills.' })
}

/** The longest recovery time of the items. */
function recoveryOf({ parts }: Job): string {
  const seconds = parts.flatMap((part) => part.drill?.recoverySeconds ?? [])
  return seconds.length === 0 ? '–' : formatDuration(Math.max(...seconds) * 1000)
}

function drillLines({ printer: { style } }: Session, job: Job): string[] {
  const { drill } = job
  const target = drill?.targetInstanceId === undefined ? [] : [`  restored into ${drill.targetInstanceId}`]
  return [
    ...summaryOf(job, style),
    ...target,
    ...(drill?.cleanUpProblem === undefined || job.endedAt !== undefined
      ? []
      : [`  ${style('yellow', 'not cleaned up yet:')} ${drill.cleanUpProblem}`]),
    ...job.parts.flatMap(({ item, drill: found }) => [
      ...(found?.restoreJobId === undefined ? [] : [`  ${item}: restore job ${found.restoreJobId}`]),
      ...(found?.checks ?? []).map(
        ({ name, passed, reason }) =>
          `    ${styleState(style, passed ? 'succeeded' : 'failed')} ${name}${reason === undefined ? '' : `: ${reason}`}`,
      ),
    ]),
  ]
}
