import { type PlanCreate, type PlanRun, planCreateSchema } from '@osb-backup/protocol/v1'
import { type Command, Option } from 'commander'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { readObject, resolveReferences } from '../input/document.ts'
import { localInstant } from '../output/describe.ts'
import { styleState } from '../output/style.ts'
import { formatRelative } from '../output/units.ts'
import { editableResources } from '../resources/editable.ts'
import { findId } from '../resources/resource.ts'
import { destinationResource, instanceResource, planResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import { collected } from './create-options.ts'
import { addEdit } from './edit.ts'
import { requireFields } from './instances.ts'
import { addKeys } from './plan-keys.ts'
import { addPreview, addScheduleOptions, type ScheduleOptions } from './plan-schedule.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand, wholeNumber } from './resource-commands.ts'
import { addWaitOptions, durationArgument, finishJobs, type WaitOptions } from './start-jobs.ts'

interface CreateOptions extends ScheduleOptions {
  instance: string
  file?: string
  name?: string
  destination?: string
  item?: string[]
  excludeItem?: string[]
  compression?: string
  level?: number
  recipient?: string
  rpo?: number
  retries?: number
  parallelItems?: number
  paused?: boolean
}

/** Adds `plan`. */
export function addPlanCommands(program: Program): void {
  const { action } = program
  const plan = addResourceCommand(
    program,
    planResource,
    'Manage backup plans: what is backed up when, and how long it is kept',
  )
  const create = plan
    .command('create')
    .description('Create a backup plan')
    .requiredOption('--instance <instance>', 'the service instance that it backs up')
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
    .option('--name <name>', 'a name for people, unique within the instance')
    .option('--destination <destination>', 'where its backups are stored: name or ID')
    .option(
      '--item <item>',
      'database that it covers, or a pattern with *, expanded by each run; may be repeated',
      collected,
    )
    .option('--exclude-item <item>', 'what the patterns do not cover: a name, or a pattern; may be repeated', collected)
  addScheduleOptions(create)
    .addOption(new Option('--compression <algorithm>', 'how dumps are compressed').choices(['none', 'zstd', 'gzip']))
    .option('--level <number>', 'level of the compression', wholeNumber)
    .option('--recipient <key>', 'encrypt to these age recipients, separated by commas')
    .option(
      '--rpo <duration>',
      'how old the newest restore point may be; twice the interval by default',
      durationArgument,
    )
    .option('--retries <number>', 'how often a run that failed for a transient reason is tried again', wholeNumber)
    .option('--parallel-items <number>', 'how many items are backed up at the same time at most', wholeNumber)
    .option('--paused', 'create it paused')
    .addHelpText(
      'after',
      `
Examples:
  osb-backup plan create --instance shop-db --name nightly --destination nightly --item shop --cron "0 2 * * *" --keep 14d
  osb-backup plan create --instance shop-db --name hourly --destination nightly --item shop,users --cron @hourly --keep 48
  osb-backup plan create --instance shop-db --name all --destination nightly --item "*" --exclude-item "tmp_*" --cron @daily \\
    --keep 14d`,
    )
    .action(action(createPlan))
  addWaitOptions(
    plan
      .command('run')
      .description('Start a backup job now')
      .argument('<plan>', 'ID, unique beginning of an ID, or name')
      .option('--queue', 'wait for jobs that work on a database of the plan; by default it is refused then'),
  ).action(
    action(async (session, options: WaitOptions & { queue?: boolean }, name: string) => {
      const client = await session.client()
      const id = await findId(client, planResource, name)
      const job = await client.plans.run(id, { wait: options.queue, idempotencyKey: newIdempotencyKey() })
      await finishJobs(session, [job], options)
    }),
  )
  for (const [name, paused, description] of [
    ['pause', true, 'Pause the schedule of a plan'],
    ['resume', false, 'Resume the schedule of a plan'],
  ] as const) {
    plan
      .command(name)
      .description(description)
      .argument('<plan>', 'ID, unique beginning of an ID, or name')
      .action(
        action(async (session, _: object, text: string) => {
          const client = await session.client()
          const updated = await client.plans.update(await findId(client, planResource, text), { paused })
          const next = updated.nextRunAt === undefined ? '' : ` It runs next at ${localInstant(updated.nextRunAt)}.`
          session.printer.value(updated, {
            name: updated.id,
            human: () => [`The plan "${updated.name}" is ${paused ? 'paused' : 'running again'}.${next}`],
          })
        }),
      )
  }
  addPreview(program, plan)
  addRuns(program, plan)
  addKeys(program, plan)
  addEdit(program, plan, editableResources.plan as never)
  addDelete(program, plan, planResource, {
    consequence: () => 'Nothing is backed up by it any more.',
    byName: true,
    delete: (client, id, { files }) => client.plans.delete(id, { files: files as 'keep' | 'delete' }),
  }).addOption(
    new Option('--files <what>', 'what happens to its stored objects; objects on hold are always kept')
      .choices(['keep', 'delete'])
      .default('keep'),
  )
}

async function createPlan(session: Session, options: CreateOptions): Promise<void> {
  const { io, printer } = session
  const client = await session.client()
  const document = (
    options.file === undefined ? {} : await resolveReferences(io, await readObject(io, options.file))
  ) as Partial<PlanCreate>
  const instanceId = await findId(client, instanceResource, options.instance)
  const { cron, timezone } = options
  const request = {
    ...document,
    instanceId,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.destination === undefined
      ? {}
      : { destinationId: await destinationId(session, options.destination, instanceId) }),
    ...(options.item === undefined ? {} : { items: options.item }),
    ...(options.excludeItem === undefined ? {} : { excludedItems: options.excludeItem }),
    ...(cron === undefined ? {} : { schedule: { cron, ...(timezone === undefined ? {} : { timezone }) } }),
    ...(options.keep === undefined ? {} : { retention: options.keep }),
    ...(options.compression === undefined
      ? {}
      : {
          compression: {
            algorithm: options.compression,
            ...(options.level === undefined ? {} : { level: options.level }),
          },
        }),
    ...(options.recipient === undefined ? {} : { encryption: { publicKey: options.recipient } }),
    ...(options.rpo === undefined ? {} : { rpoSeconds: Math.round(options.rpo) }),
    ...(options.retries === undefined ? {} : { retries: options.retries }),
    ...(options.parallelItems === undefined ? {} : { parallelItems: options.parallelItems }),
    ...(options.paused ? { paused: true } : {}),
  }
  requireFields(request, planCreateSchema.shape, {
    name: '--name',
    destinationId: '--destination',
    items: '--item',
    schedule: '--cron',
    retention: '--keep',
  })
  const created = await client.plans.create(request as PlanCreate, { idempotencyKey: newIdempotencyKey() })
  const next = created.nextRunAt === undefined ? 'It is paused.' : `It runs next at ${localInstant(created.nextRunAt)}.`
  printer.value(created, { name: created.id, human: () => [`Created the plan ${created.id}. ${next}`] })
  printer.note(`Next: osb-backup plan run ${created.id} --wait`)
}

/** A destination of the instance by its name, or any by its id. */
async function destinationId(session: Session, text: string, instanceId: string): Promise<string> {
  const client = await session.client()
  for await (const { id, name } of client.destinations.iterate({ instance: instanceId, limit: 500 }))
    if (name === text) return id
  return findId(client, destinationResource, text)
}

function addRuns({ action, io }: Program, plan: Command): void {
  plan
    .command('runs')
    .description('List the scheduled runs of a plan, also those that were skipped or missed')
    .argument('<plan>', 'ID, unique beginning of an ID, or name')
    .option('-n, --limit <count>', 'show at most this many', wholeNumber, 50)
    .addOption(
      new Option('--outcome <outcome>', 'only runs with this outcome').choices(['started', 'skipped', 'missed']),
    )
    .action(
      action(async (session, options: { limit: number; outcome?: PlanRun['outcome'] }, name: string) => {
        const client = await session.client()
        const id = await findId(client, planResource, name)
        const runs: PlanRun[] = []
        for await (const run of client.plans
          .runs(id)
          .iterate({ limit: Math.min(options.limit, 500), outcome: options.outcome })) {
          runs.push(run)
          if (runs.length >= options.limit) break
        }
        session.printer.list(runs, {
          columns: [
            { header: 'DUE', cell: ({ dueAt }) => formatRelative(dueAt, io.now()) },
            { header: 'OUTCOME', cell: ({ outcome }) => styleState(session.printer.style, outcome) },
            {
              header: 'STATE',
              cell: ({ state }) => (state === undefined ? '–' : styleState(session.printer.style, state)),
            },
            { header: 'ATTEMPTS', cell: ({ attempts }) => String(attempts.length), align: 'right' },
            { header: 'JOB', cell: ({ jobId }) => jobId ?? '–' },
            { header: 'REASON', cell: ({ reason }) => reason ?? '', shrinks: true },
          ],
          name: ({ jobId, dueAt }) => jobId ?? dueAt,
          empty: 'The plan has not been due yet.',
        })
      }),
    )
}
