import type { Plan } from '@osb-backup/protocol/v1'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { nearest } from '../input/nearest.ts'
import { cleaned } from '../output/table.ts'
import { findId } from '../resources/resource.ts'
import { instanceResource } from '../resources/resources.ts'
import type { Program } from './program-context.ts'
import { addWaitOptions, finishJobs, type WaitOptions } from './start-jobs.ts'

interface BackupOptions extends WaitOptions {
  plan?: string
  queue?: boolean
}

/** Adds `backup`. */
export function addBackup({ command, action }: Program): void {
  addWaitOptions(
    command
      .command('backup')
      .description('Back up a service instance now, by the plan that covers it')
      .argument('<instance>', 'ID, or unique beginning of an ID')
      .argument('[item...]', 'databases that the plan has to cover')
      .option('--plan <plan>', 'name or ID of the plan, where several cover the items')
      .option('--queue', 'wait for jobs that work on the same databases; by default it is refused then'),
  )
    .addHelpText(
      'after',
      `
A plan runs with all its items, and its retention applies.

Examples:
  osb-backup backup shop-db --wait
  osb-backup backup shop-db shop --plan nightly --wait --timeout 30m`,
    )
    .action(
      action(async (session, options: BackupOptions, name: string, items: string[]) => {
        const client = await session.client()
        const instance = await findId(client, instanceResource, name)
        const plans: Plan[] = []
        for await (const plan of client.plans.iterate({ instance, limit: 500 })) plans.push(plan)
        const { coversItem } = await import('@osb-backup/core')
        const plan = chosenPlan(plans, instance, { items, wanted: options.plan, covers: coversItem })
        const others = plan.items.filter((item) => items.length > 0 && !items.includes(item))
        if (others.length > 0)
          session.printer.note(`The plan "${cleaned(plan.name)}" also covers ${others.map(cleaned).join(', ')}.`)
        const job = await client.plans.run(plan.id, { wait: options.queue, idempotencyKey: newIdempotencyKey() })
        await finishJobs(session, [job], options)
      }),
    )
}

interface PlanChoice {
  /** What the plan has to cover. */
  items: readonly string[]
  /** Name or ID of the plan, if the user named it. */
  wanted: string | undefined
  covers(plan: Plan, item: string): boolean
}

function chosenPlan(plans: readonly Plan[], instance: string, { items, wanted, covers }: PlanChoice): Plan {
  const covered = plans.flatMap((plan) => plan.items)
  for (const item of items) {
    if (!plans.some((plan) => covers(plan, item))) {
      throw new CliError(`No plan of "${instance}" covers "${item}".${nearest(item, covered)}`, {
        exitCode: exitCodes.notFound,
        hint: `See what its plans cover with "osb-backup plan list --instance ${instance}".`,
      })
    }
  }
  const fitting = plans.filter((plan) => items.every((item) => covers(plan, item)))
  if (wanted !== undefined) {
    const named = plans.find(({ name, id }) => name === wanted || id === wanted)
    if (named === undefined) {
      const names = plans.map(({ name }) => name)
      throw new CliError(`"${instance}" has no plan "${wanted}".${nearest(wanted, names)}`, {
        exitCode: exitCodes.notFound,
      })
    }
    if (!fitting.includes(named)) throw new UsageError(`The plan "${wanted}" does not cover ${items.join(', ')}.`)
    return named
  }
  const [only, ...others] = fitting
  if (only !== undefined && others.length === 0) return only
  if (only === undefined) {
    throw new CliError(
      plans.length === 0 ? `"${instance}" has no backup plan.` : 'No single plan covers all of these items.',
      {
        exitCode: exitCodes.notFound,
        hint:
          plans.length === 0
            ? `Create one with "osb-backup plan create --instance ${instance}".`
            : 'Back them up one by one, or choose with --plan.',
      },
    )
  }
  throw new UsageError(`Several plans of "${instance}" fit: ${fitting.map((plan) => plan.name).join(', ')}.`, {
    hint: 'Choose one with --plan.',
  })
}
