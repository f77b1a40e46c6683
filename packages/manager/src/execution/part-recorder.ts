import { type AgentJob, agentStatusOf, type FailureCode, type JobStatus } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { BackupJob } from '../jobs/job.ts'
import { recordPart } from '../jobs/part-results.ts'
import type { NewRestorePoint } from '../restore-points/restore-point.ts'
import { PartFailure } from './agent-contact.ts'
import { newRestorePoint } from './new-restore-point.ts'
import type { PartToRun } from './part-request.ts'
import { findStoredDump, type StoredDump } from './stored-dump.ts'

/** Records the progress and the result of one part, with the restore point that it leaves. */
export class PartRecorder {
  readonly #context: Context
  readonly #run: Omit<PartToRun, 'signal'>

  constructor(context: Context, run: Omit<PartToRun, 'signal'>) {
    this.#context = context
    this.#run = run
  }

  /**
   * Records the end of the part. A dump that is stored whole leaves a restore point, also where the part failed later: it may
   * be the only copy, and it must be possible to remove it.
   *
   * @throws {PartFailure} If the agent reports success, but the dump is not stored.
   */
  async recordEnd(agentStatus: AgentJob): Promise<void> {
    const { job } = this.#run
    const status = jobStatusOfAgent(agentStatus)
    if (job.kind === 'restore') return this.#record(status, { agentStatus })
    const dump = await findStoredDump(this.#context, job, agentStatus)
    if ('missing' in dump) {
      if (status === 'SUCCEEDED') throw new PartFailure('other', dump.missing)
      return this.#record(status, { agentStatus })
    }
    const point = await this.#newRestorePoint(job, dump, { agentStatus, afterFailure: status !== 'SUCCEEDED' })
    await this.#record(status, { agentStatus, point })
  }

  /** Records that the part runs, and what is wrong with it meanwhile. */
  recordRunning(agentStatus: AgentJob | undefined, error?: string): Promise<void> {
    return this.#record('RUNNING', { agentStatus, error })
  }

  recordUnknown(error: string, agentStatus: AgentJob | undefined): Promise<void> {
    this.#context.log.warn({ reason: error }, 'the outcome of a part is unknown')
    return this.#record('UNKNOWN', { agentStatus, error })
  }

  /** Records a failure. Where the agent reported before that it had stored the dump, that leaves a restore point too. */
  async recordFailure({ message: error, code: failureCode }: PartFailure, agentStatus?: AgentJob): Promise<void> {
    const { job } = this.#run
    if (job.kind === 'backup' && agentStatus !== undefined) {
      const dump = await findStoredDump(this.#context, job, agentStatus)
      if (!('missing' in dump)) {
        const point = await this.#newRestorePoint(job, dump, { agentStatus, afterFailure: true })
        return this.#record('FAILED', { agentStatus, error, failureCode, point })
      }
    }
    await this.#record('FAILED', { agentStatus, error, failureCode })
  }

  #record(status: JobStatus, { failureCode, ...result }: PartResult): Promise<void> {
    const code = failureCode ?? result.agentStatus?.failure_code ?? 'other'
    const recorded = { status, failureCode: status === 'FAILED' ? code : undefined, ...result }
    return recordPart(this.#context, this.#run.lock, this.#run.part.position, recorded)
  }

  async #newRestorePoint(
    job: BackupJob,
    dump: StoredDump,
    { agentStatus, afterFailure }: { agentStatus: AgentJob; afterFailure: boolean },
  ): Promise<NewRestorePoint> {
    const { recoveryRecipients } = this.#context.settings
    const part = { item: this.#run.part.item, begunAt: this.#run.begun.begunAt, agentStatus }
    const recordedAt = await readClock(this.#context)
    return newRestorePoint({ job, part, dump, afterFailure, recordedAt, recoveryRecipients })
  }
}

interface PartResult {
  agentStatus: AgentJob | undefined
  error?: string | undefined
  failureCode?: FailureCode
  point?: NewRestorePoint
}

/** The status of a part whose agent reports this. */
export function jobStatusOfAgent(agentStatus: AgentJob): JobStatus {
  const status = agentStatusOf(agentStatus)
  if (status === 'RUNNING' || status === 'STARTED') return 'RUNNING'
  return status === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED'
}
