import type { BackupClient } from '@osb-backup/client'
import { isEnded, type Job, type JobLog } from '@osb-backup/protocol/v1'
import { CliError } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { exitCodeOfJobs } from '../jobs/describe-job.ts'
import { followJobs, printEndedJobs } from '../jobs/follow-jobs.ts'
import { cleaned } from '../output/table.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { jobResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'
import { durationArgument } from './start-jobs.ts'

const LOG_POLL_MS = 1000

/** Adds `job`. */
export function addJobCommands(program: Program): void {
  const { action } = program
  const job = addResourceCommand(program, jobResource, 'Follow, cancel and read about jobs')
  job
    .command('watch')
    .description('Follow jobs until they have ended; the exit code is their result')
    .argument('<job...>', 'IDs, or unique beginnings of IDs')
    .option('--timeout <duration>', 'wait at most this long, such as 30m; the jobs continue', durationArgument)
    .action(
      action(async (session, { timeout }: { timeout?: number }, names: string[]) => {
        const client = await session.client()
        const ids: string[] = []
        for (const name of names) ids.push(await findId(client, jobResource, name))
        const ended = await followJobs(session, ids, { timeoutSeconds: timeout })
        printEndedJobs(session, ended)
        process.exitCode = exitCodeOfJobs(ended)
      }),
    )
  job
    .command('logs')
    .description('Print what the scripts of a job printed')
    .argument('<job>', 'ID, or unique beginning of an ID')
    .option('-f, --follow', 'print more as it comes, until the job has ended')
    .action(action(printLogs))
  addActions(program)
  addDelete(program, job, jobResource, {
    consequence: () => 'Its restore points stay.',
    delete: (client, id) => client.jobs.delete(id),
  })
}

interface JobAction {
  name: string
  description: string
  /** Asked first; undefined: nothing is. */
  question?: string
  done: string
  run(client: BackupClient, id: string): Promise<Job>
}

const actions: readonly JobAction[] = [
  {
    name: 'cancel',
    description: 'Cancel a job: what runs is stopped, then cleaned up and unlocked',
    done: 'Cancellation of the job was requested.',
    run: ({ jobs }, id) => jobs.cancel(id),
  },
  {
    name: 'give-up',
    description: 'Abandon the parts of a job whose outcome is unknown, since its agent does not answer',
    question: 'The agent may still be working on the database, and nothing stops it. Abandon the job?',
    done: 'The job was abandoned.',
    run: ({ jobs }, id) => jobs.giveUp(id),
  },
  {
    name: 'retry-unlock',
    description: 'Retry now to unlock the databases of a job',
    done: 'The agent retries to unlock now.',
    run: ({ jobs }, id) => jobs.retryUnlock(id),
  },
  {
    name: 'mark-unlocked',
    description: 'Mark the databases of a job as unlocked, after you have unlocked them by hand',
    question: 'Nothing unlocks the databases afterwards. Have you unlocked them by hand?',
    done: 'The databases are marked as unlocked.',
    run: ({ jobs }, id) => jobs.markUnlocked(id),
  },
]

function addActions({ command, action }: Program): void {
  const job = command.commands.find((each) => each.name() === 'job')
  for (const { name, description, question, done, run } of actions) {
    job
      ?.command(name)
      .description(description)
      .argument('<job>', 'ID, or unique beginning of an ID')
      .action(
        action(async (session, _: object, text: string) => {
          const client = await session.client()
          const isExact = question !== undefined && (session.flags.yes ?? false)
          const id = await findId(client, jobResource, text, { isExact })
          if (question !== undefined && !(await confirm(session.io, session.flags, question))) {
            throw new CliError('Nothing was changed.')
          }
          const changed = await run(client, id)
          session.printer.value(changed, { name: id, human: () => [done] })
          if (!isEnded(changed.state)) session.printer.note(`Follow with: osb-backup job watch ${id}`)
        }),
      )
  }
}

async function printLogs(session: Session, { follow }: { follow?: boolean }, name: string): Promise<void> {
  const { io, printer } = session
  const client = await session.client()
  const job = await findEntry(client, jobResource, name)
  if (!follow) {
    const logs = await client.jobs.logs(job.id, { signal: io.signal })
    if (printer.isStructured) return printer.value(logs, { name: job.id })
    if (logs.items.every(({ text }) => text === '')) printer.note('The scripts printed nothing.')
    return printer.lines(logs.items.flatMap((log) => logLines(log, log.text)))
  }
  const printed = new Map<string, number>()
  for (let ended = false; ; ) {
    const logs = await client.jobs.logs(job.id, { signal: io.signal })
    for (const log of logs.items) {
      const key = `${log.item}/${log.stage}/${log.stream}`
      const from = printed.get(key) ?? 0
      if (log.text.length > from) printer.lines(logLines(log, log.text.slice(from)))
      printed.set(key, Math.max(from, log.text.length))
    }
    if (ended) return
    await new Promise((resolve) => setTimeout(resolve, LOG_POLL_MS))
    io.signal.throwIfAborted()
    ended = isEnded((await client.jobs.get(job.id, { signal: io.signal })).state)
  }
}

function logLines({ item, stage, stream }: JobLog, text: string): string[] {
  const prefix = `${cleaned(item)} ${stage}${stream === 'stderr' ? ' stderr' : ''} | `
  return text
    .replace(/\n$/, '')
    .split('\n')
    .filter((line) => text !== '' || line !== '')
    .map((line) => prefix + cleaned(line))
}
