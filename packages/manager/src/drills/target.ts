import type { DrillTarget } from '@osb-backup/protocol/v1'
import type { Context } from '../context/context.ts'

/** A drill, as far as its target is concerned. */
export interface TargetedDrill<K extends DrillTarget['kind'] = DrillTarget['kind']> {
  /** Of the job of the drill: whatever is created for it can be named after it. */
  jobId: string
  /** The instance whose restore points are restored. */
  instanceId: string
  target: Extract<DrillTarget, { kind: K }>
}

/** What a kind of target has recorded about its own steps. It survives the manager, is shown to nobody, and must hold no secret. */
export interface TargetMemory {
  read(): Promise<Record<string, unknown>>
  /**
   * Replaces what is recorded. Call it before a step that cannot be repeated, and after it.
   *
   * @throws {JobLockLost} If another manager runs the drill now: do nothing more.
   */
  write(state: Record<string, unknown>): Promise<void>
}

/** Whether there is an instance to restore into. */
export type Preparation =
  | {
      state: 'ready'
      /** A registered instance that is marked as a drill target; the database refuses restores into any other. */
      instanceId: string
      /**
       * The database that every item is restored over. Undefined: each item gets a database of its own, which the agent drops right after
       * its checks.
       */
      database?: string | undefined
    }
  /** It is asked again after a moment. */
  | { state: 'pending' }
  /** The drill fails, and cleans up. */
  | { state: 'failed'; reason: string }

/** Whether anything of the target is left. */
export type CleanUp = { state: 'done' } | { state: 'pending'; problem?: string | undefined }

/**
 * A kind of place that drills restore to. Both methods are called again and again until they say that they have come to an end, by any
 * manager: the one before may have been killed at any line of them. So each looks at what is recorded and what is there, does the next thing,
 * and returns soon; nothing in them waits for minutes. An error that they throw is logged, and the call is repeated after a pause; after
 * too many in a row `prepare` has failed, while `cleanUp` is repeated for good.
 */
export interface TargetKind<K extends DrillTarget['kind']> {
  prepare(context: Context, drill: TargetedDrill<K>, memory: TargetMemory, signal: AbortSignal): Promise<Preparation>

  /**
   * Removes whatever `prepare` created. Called after every drill that has begun, also where `prepare` failed or was never called, once no
   * restore of the drill works any more.
   */
  cleanUp(context: Context, drill: TargetedDrill<K>, memory: TargetMemory, signal: AbortSignal): Promise<CleanUp>
}
