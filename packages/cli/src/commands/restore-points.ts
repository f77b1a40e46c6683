import type { BackupClient } from '@osb-backup/client'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { InvalidArgumentError } from 'commander'
import { CliError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { confirm } from '../input/prompt.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { restorePointResource } from '../resources/resources.ts'
import { addDownload } from './download.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand, wholeNumber } from './resource-commands.ts'
import { addRestoreOptions, type RestoreOptions, restorePoints } from './restore.ts'
import { addWaitOptions, finishJobs, type WaitOptions } from './start-jobs.ts'

interface PointAction {
  name: string
  description: string
  question?: string
  done: string
  run(client: BackupClient, id: string): Promise<RestorePoint>
}

const actions: readonly PointAction[] = [
  {
    name: 'hold',
    description: 'Hold a restore point: it is neither expired nor deleted',
    done: 'The restore point is on hold.',
    run: ({ restorePoints: points }, id) => points.hold(id),
  },
  {
    name: 'release',
    description: 'End the hold of a restore point',
    question: 'The retention of its plan may delete it afterwards. End the hold?',
    done: 'The hold has ended.',
    run: ({ restorePoints: points }, id) => points.release(id),
  },
  {
    name: 'undelete',
    description: 'Take back the deletion of a restore point, within its grace period',
    done: 'The restore point is kept: its deletion was taken back.',
    run: ({ restorePoints: points }, id) => points.undelete(id),
  },
  {
    name: 'confirm',
    description: 'Confirm that the size of a restore point is right, though it is much smaller than those before it',
    question: 'It counts as a good backup afterwards, and may replace older ones. Is its size right?',
    done: 'The size is confirmed.',
    run: ({ restorePoints: points }, id) => points.confirm(id),
  },
]

/** Adds `restore-point`. */
export function addRestorePointCommands(program: Program): void {
  const { action } = program
  const point = addResourceCommand(program, restorePointResource, 'Restore, verify and keep what was backed up')
  addRestoreOptions(
    point
      .command('restore')
      .description('Restore a restore point')
      .argument('<restore-point>', 'ID, or unique beginning of an ID'),
  ).action(
    action(async (session, options: RestoreOptions, name: string) => {
      const client = await session.client()
      const found = await findEntry(client, restorePointResource, name, { isExact: session.flags.yes ?? false })
      await restorePoints(session, [found], options)
    }),
  )
  addWaitOptions(
    point
      .command('verify')
      .description('Read a restore point back, and compare size and digests')
      .argument('<restore-point>', 'ID, or unique beginning of an ID')
      .option('--sample <percent>', 'read only this percentage, chosen at random', percentage),
  ).action(
    action(async (session, options: WaitOptions & { sample?: number }, name: string) => {
      const client = await session.client()
      const { id, sizeBytes } = await findEntry(client, restorePointResource, name)
      const { sample = 100 } = options
      const request = { sample: options.sample, idempotencyKey: newIdempotencyKey() }
      const job = await client.restorePoints.verify(id, request)
      const read = job.parts.map(({ item }) => [`${job.id}/${item}`, Math.ceil((sizeBytes * sample) / 100)] as const)
      await finishJobs(session, [job], options, new Map(read))
    }),
  )
  for (const { name, description, question, done, run } of actions) {
    point
      .command(name)
      .description(description)
      .argument('<restore-point>', 'ID, or unique beginning of an ID')
      .action(
        action(async (session, _: object, text: string) => {
          const client = await session.client()
          const isExact = question !== undefined && (session.flags.yes ?? false)
          const id = await findId(client, restorePointResource, text, { isExact })
          if (question !== undefined && !(await confirm(session.io, session.flags, question)))
            throw new CliError('Nothing was changed.')
          session.printer.value(await run(client, id), { name: id, human: () => [done] })
        }),
      )
  }
  addDownload(program, point)
  addDelete(program, point, restorePointResource, {
    consequence: ({ item, instanceId }) => `The backup of "${item}" of "${instanceId}" can no longer be restored.`,
    byName: true,
    delete: (client, id, { force }) => client.restorePoints.delete(id, { force: force === true }),
  }).option('--force', 'also if its object cannot be removed, as when its store no longer exists; for admins')
}

function percentage(text: string): number {
  const percent = wholeNumber(text)
  if (percent < 1 || percent > 100) throw new InvalidArgumentError('It must be 1 to 100.')
  return percent
}
