import type { Blocker } from './job.ts'

/** Why a part cannot begin, as a sentence. */
export function describeBlocker({ jobId, kind, isWorking }: Blocker): string {
  return isWorking
    ? `The ${kind} job ${jobId} works on this database.`
    : `The ${kind} job ${jobId} of this database comes first.`
}
