import type { ObjectStore, UploadRecorder } from '@osb-backup/storage'
import type { UploadRecord } from '../jobs/job-record.ts'
import type { ObjectClaim, WantedName } from './object-claim.ts'
import type { RunContext } from './run-context.ts'

/**
 * An upload of a job, under a free name that no other job uses. The name is in the journal from before the upload
 * begins until it is over, so that what a crash leaves of it is found.
 */
export interface ObjectUpload {
  /** Without the prefix. */
  readonly filename: string
  /** Full name in the store. */
  readonly name: string
  /** Keeps in the journal what is stored for it. */
  readonly recorder: UploadRecorder
  /** The object is stored and the job knows it. */
  complete(): void
  /** The upload failed, and something of it may be left in the store. */
  leavesOrphans(): void
  /**
   * To be called in any case. Releases the name of an upload that was not completed and left nothing in the store. One
   * that may have left something keeps its name, in the journal too: a maintenance task removes what is left.
   */
  close(): Promise<void>
}

/**
 * Claims a name and records it.
 *
 * @throws {StoreError} If the store cannot be asked which names are taken.
 * @throws If the journal cannot be written; the name is free again.
 */
export async function beginUpload(run: RunContext, wanted: WantedName, signal: AbortSignal): Promise<ObjectUpload> {
  const claim = await run.claims.claim(run.store, wanted, { signal })
  const record: UploadRecord = { name: claim.name, beganAt: run.now() }
  run.job.upload = record
  try {
    await run.save()
  } catch (error) {
    await abandon(run, claim)
    throw error
  }
  let end: 'abandoned' | 'completed' | 'orphaned' = 'abandoned'
  return {
    filename: claim.filename,
    name: claim.name,
    recorder: {
      async begun(id) {
        record.id = id
        await run.save()
      },
      async committing(expected) {
        record.expected = expected
        await run.save()
      },
    },
    complete() {
      end = 'completed'
      claim.release()
    },
    leavesOrphans() {
      end = 'orphaned'
      run.job.incompleteUpload = orphansMessage(claim.name, run.store)
    },
    async close() {
      if (end === 'abandoned') await abandon(run, claim)
    },
  }
}

/** Reports what an upload may have left. */
export function orphansMessage(name: string, { location }: Pick<ObjectStore, 'location'>): string {
  return `parts of the incomplete upload of "${name}" may be left in ${location}; their removal is retried`
}

/** Releases the name of an upload that left nothing. */
async function abandon(run: RunContext, claim: ObjectClaim): Promise<void> {
  delete run.job.upload
  try {
    await run.save()
    claim.release()
  } catch {
    // The journal still has the name, so after a restart another job's object would be mistaken for this one's: it
    // stays reserved.
  }
}
