import { isEnded, type Job, type JobPart } from '@osb-backup/protocol/v1'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Style } from '../output/style.ts'
import { styleState } from '../output/style.ts'
import { cleaned } from '../output/table.ts'
import { formatBytes, formatDuration } from '../output/units.ts'

/** The exit code that says how a job ended. */
function exitCodeOfJob({ state, parts }: Pick<Job, 'state' | 'parts'>): ExitCode {
  if (state === 'succeeded') return exitCodes.success
  return parts.some((part) => part.state === 'succeeded') ? exitCodes.partiallyFailed : exitCodes.failed
}

/** The exit code that says how several jobs ended. */
export function exitCodeOfJobs(jobs: readonly Job[]): ExitCode {
  const codes = new Set(jobs.map(exitCodeOfJob))
  if (codes.size <= 1) return [...codes][0] ?? exitCodes.success
  return codes.has(exitCodes.success) || codes.has(exitCodes.partiallyFailed)
    ? exitCodes.partiallyFailed
    : exitCodes.failed
}

/** How a job ended, in lines for people. */
export function summaryOf(job: Job, style: Style): string[] {
  const duration = job.durationSeconds === undefined ? '' : ` after ${formatDuration(job.durationSeconds * 1000)}`
  const state = isEnded(job.state) ? `${styleState(style, job.state)}${duration}` : styleState(style, job.state)
  return [
    `The ${job.kind} job ${job.id} ${isEnded(job.state) ? stateVerb(job) : 'is '}${state}.`,
    ...job.parts.flatMap((part) => partLines(part, style)),
  ]
}

const stateVerb = ({ state }: Job) => (state === 'cancelled' ? 'was ' : 'has ')

function partLines(part: JobPart, style: Style): string[] {
  const facts = [
    part.sizeBytes === undefined ? [] : [formatBytes(part.sizeBytes)],
    part.originalSizeBytes === undefined ? [] : [`${formatBytes(part.originalSizeBytes)} before compression`],
    part.verified === undefined ? [] : [part.verified],
    part.drill?.recoverySeconds === undefined
      ? []
      : [`recovered in ${formatDuration(part.drill.recoverySeconds * 1000)}`],
  ].flat()
  const state = styleState(style, part.state)
  const database = part.database === part.item ? '' : ` → ${cleaned(part.database)}`
  return [
    `  ${cleaned(part.item)}${database}: ${state}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`,
    ...(part.error === undefined ? [] : part.error.split('\n').map((line) => `    ${cleaned(line)}`)),
    ...part.warnings.map(({ message }) => `    ${style('yellow', 'warning:')} ${cleaned(message)}`),
    ...(part.lockedSince === undefined
      ? []
      : [`    ${style('red', 'The database is still locked')} since ${part.lockedSince}.`]),
  ]
}
