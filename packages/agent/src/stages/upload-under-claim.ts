import type { ObjectClaim, WantedName } from './object-claim.ts'
import type { RunContext, StepEnd } from './run-context.ts'

/**
 * Uploads under a free name. The name is in the journal before the upload begins and until it is over, so that what a
 * crash leaves of it is found; and nobody else takes the name before the journal has let go of it.
 *
 * @param upload - Leaves nothing in the store unless it ends well.
 */
export async function uploadUnderClaim(
  run: RunContext,
  wanted: WantedName,
  signal: AbortSignal,
  upload: (claim: ObjectClaim) => Promise<StepEnd>,
): Promise<StepEnd> {
  const { job } = run
  const claim = await run.claims.claim(run.store, wanted, { signal })
  job.upload = { name: claim.name, beganAt: run.now() }
  try {
    await run.save()
    const end = await upload(claim)
    if (end.ok) claim.release()
    else await letGo(run, claim)
    return end
  } catch (error) {
    await letGo(run, claim)
    throw error
  }
}

/** Frees the name of an upload that left nothing. */
async function letGo(run: RunContext, claim: ObjectClaim): Promise<void> {
  delete run.job.upload
  try {
    await run.save()
    claim.release()
  } catch {
    // The journal still has the name, so a restart would take another job's object for this one's: it stays taken.
  }
}
