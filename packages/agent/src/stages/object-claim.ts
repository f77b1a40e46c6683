import { objectNames } from '@osb-backup/core'
import type { CallOptions, ObjectStore } from '@osb-backup/storage'
import type { RunContext, StepEnd } from './run-context.ts'

/** A free name that nobody else in this agent will take until it is released. */
export interface ObjectClaim {
  /** Without the prefix. */
  filename: string
  /** Full name in the store. */
  name: string
  release(): void
}

/** Where an object goes, and how it would best be called. */
export interface WantedName {
  prefix: string
  /** The dump's name, and its type with all endings. */
  base: string
  type: string
  takenAt: Date
}

/**
 * Uploads under a free name. The name is in the journal before the upload begins and until it is over, so that what a
 * crash leaves of it is found; and nobody else takes the name before the journal has let go of it.
 *
 * @param upload - Leaves nothing in the store unless it ends well.
 */
export async function withClaim(
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

/** The names that uploads of this agent are about to take. A store is asked what is taken, but not atomically. */
export class ObjectClaims {
  readonly #taken = new Set<string>()

  /** Takes the first name that is free, here and at the store. */
  async claim(store: ObjectStore, wanted: WantedName, options: CallOptions): Promise<ObjectClaim> {
    for (const filename of objectNames(wanted.base, wanted.type, wanted.takenAt)) {
      const name = wanted.prefix + filename
      const key = `${store.location}\n${name}`
      if (this.#taken.has(key)) continue
      this.#taken.add(key)
      const release = () => this.#taken.delete(key)
      try {
        if ((await store.head(name, options)) === undefined) return { filename, name, release }
      } catch (error) {
        release()
        throw error
      }
      release()
    }
    throw new Error('names never end')
  }
}
