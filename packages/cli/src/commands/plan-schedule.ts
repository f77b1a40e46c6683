import type { PlanPreview, Retention } from '@osb-backup/protocol/v1'
import { type Command, InvalidArgumentError } from 'commander'
import { UsageError } from '../exit-code.ts'
import { localInstant } from '../output/describe.ts'
import { formatDuration, formatRelative } from '../output/units.ts'
import { findEntry } from '../resources/resource.ts'
import { generationFields, keeps, planResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

/** What of a schedule and a retention the command line says. */
export interface ScheduleOptions {
  cron?: string
  timezone?: string
  keep?: Retention
}

/** Adds `--cron`, `--timezone` and `--keep`. */
export function addScheduleOptions(command: Command): Command {
  return command
    .option('--cron <expression>', 'cron expression, or a name such as @daily')
    .option('--timezone <name>', 'IANA time zone that it is read in; UTC by default')
    .option(
      '--keep <what>',
      'what is kept: 14d (days), 48h (hours), 10 (newest restore points), daily=7,weekly=4,monthly=12 (the newest of each; also last, hourly, yearly and max-age-days), or all',
      retentionArgument,
    )
}

/** Reads a retention: `14d`, `48h`, `10`, `daily=7,weekly=4` or `all`. */
function retentionArgument(text: string): Retention {
  if (text === 'all') return { style: 'all' }
  if (text.includes('=')) return generationsArgument(text)
  const match = /^(\d{1,6})([dh]?)$/.exec(text)
  if (match === null || Number(match[1]) < 1)
    throw new InvalidArgumentError(
      'Use 14d (days), 48h (hours), 10 (newest restore points), daily=7,weekly=4 (the newest of each), or all.',
    )
  return { style: match[2] === 'd' ? 'days' : match[2] === 'h' ? 'hours' : 'count', period: Number(match[1]) }
}

function generationsArgument(text: string): Retention {
  const retention: Retention = { style: 'gfs' }
  for (const part of text.split(',')) {
    const [, name = '', count] = /^([a-z-]+)=([1-9]\d{0,5})$/.exec(part.trim()) ?? []
    const field = generationFields.get(name)
    if (field === undefined || retention[field] !== undefined) {
      const names = [...generationFields.keys()].join(', ')
      throw new InvalidArgumentError(`Each part is a name, "=" and a number: ${names}; each at most once.`)
    }
    retention[field] = Number(count)
  }
  return retention
}

/** Adds `plan preview`. */
export function addPreview({ action }: Program, plan: Command): void {
  addScheduleOptions(
    plan
      .command('preview')
      .description('Show when a schedule runs and what a retention keeps; nothing is stored')
      .argument('[plan]', 'a plan whose schedule, retention and restore points are taken'),
  ).action(action(preview))
}

async function preview(session: Session, options: ScheduleOptions, name: string | undefined): Promise<void> {
  const { printer, io } = session
  const client = await session.client()
  const plan = name === undefined ? undefined : await findEntry(client, planResource, name)
  const cron = options.cron ?? plan?.schedule.cron
  if (cron === undefined) throw new UsageError('--cron, or a plan, is missing.')
  const timezone = options.timezone ?? (options.cron === undefined ? plan?.schedule.timezone : undefined)
  const retention = options.keep ?? plan?.retention
  const shown = await client.plans.preview({
    schedule: { cron, ...(timezone === undefined ? {} : { timezone }) },
    ...(retention === undefined ? {} : { retention }),
    ...(plan === undefined ? {} : { planId: plan.id }),
  })
  printer.value(shown, { name: cron, human: () => previewLines(shown, retention, io.now()) })
}

function previewLines(shown: PlanPreview, retention: Retention | undefined, nowMs: number): string[] {
  const kept = new Set(shown.runsKept)
  return [
    `${shown.description}. At least ${formatDuration(shown.shortestIntervalSeconds * 1000)} between two runs.`,
    '',
    'Next runs:',
    ...shown.runs.map(
      (run) =>
        `  ${localInstant(run)}  ${formatRelative(run, nowMs)}${shown.runsKept === undefined || kept.has(run) ? '' : '  (no longer kept after the last of these)'}`,
    ),
    ...(shown.restorePoints === undefined || retention === undefined
      ? []
      : [
          '',
          `Of its restore points, the retention (${keeps({ retention })}) keeps:`,
          ...shown.restorePoints.map(
            ({ item, takenAt, kept: isKept, id, keptBecause }) =>
              `  ${isKept ? 'keeps  ' : 'deletes'}  ${localInstant(takenAt)}  ${item}  ${id}${isKept ? `  (${keptBecause.join(', ')})` : ''}`,
          ),
        ]),
  ]
}
