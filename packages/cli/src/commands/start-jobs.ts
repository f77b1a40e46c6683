import type { Job } from '@osb-backup/protocol/v1'
import { type Command, InvalidArgumentError } from 'commander'
import { exitCodeOfJobs } from '../jobs/describe-job.ts'
import { type FollowOptions, followJobs, printEndedJobs } from '../jobs/follow-jobs.ts'
import { cleaned } from '../output/table.ts'
import { parseDuration } from '../output/units.ts'
import type { Session } from '../session.ts'

/** Options of commands that start jobs. */
export interface WaitOptions {
  wait?: boolean
  timeout?: number
}

/** Adds `--wait` and `--timeout`. */
export function addWaitOptions(command: Command): Command {
  return command
    .option('-w, --wait', 'wait until it has ended, show its progress, and exit with its result')
    .option('--timeout <duration>', 'wait at most this long, such as 30m; the job continues', durationArgument)
}

/** Reads a duration of the command line as seconds. */
export function durationArgument(text: string): number {
  const seconds = parseDuration(text)
  if (seconds === undefined) throw new InvalidArgumentError('Use a number with a unit: 30s, 15m, 2h, 7d.')
  return seconds
}

/** Waits for jobs that were started, or says how to follow them. The exit code is their result. */
export async function finishJobs(
  session: Session,
  jobs: readonly Job[],
  { wait, timeout }: WaitOptions,
  expectedBytes?: FollowOptions['expectedBytes'],
): Promise<void> {
  if (!wait) {
    const [job] = jobs
    if (jobs.length === 1 && job !== undefined)
      session.printer.value(job, { name: job.id, human: () => [startedLine(job)] })
    else if (session.printer.isStructured) session.printer.list(jobs, { columns: [], name: ({ id }) => id, empty: '' })
    else session.printer.lines(jobs.map((each) => (session.printer.format === 'name' ? each.id : startedLine(each))))
    return session.printer.note(`Follow with: osb-backup job watch ${jobs.map(({ id }) => id).join(' ')}`)
  }
  for (const job of jobs) session.printer.note(startedLine(job))
  const ended = await followJobs(
    session,
    jobs.map(({ id }) => id),
    { timeoutSeconds: timeout, ...(expectedBytes === undefined ? {} : { expectedBytes }) },
  )
  printEndedJobs(session, ended)
  process.exitCode = exitCodeOfJobs(ended)
}

const startedLine = ({ kind, id, parts }: Job) =>
  cleaned(
    `Started the ${kind} job ${id} (${parts.map(({ item, database }) => (item === database ? item : `${item} → ${database}`)).join(', ')}).`,
  )
