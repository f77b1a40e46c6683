import type { DrillTarget } from '@osb-backup/protocol/v1'
import type { Context } from '../context/context.ts'
import { instanceTarget } from './instance-target.ts'
import { serviceBrokerTarget } from './service-broker-target.ts'
import type { CleanUp, Preparation, TargetedDrill, TargetKind, TargetMemory } from './target.ts'

/** All kinds of targets. A new one is added here, in `drillTargetSchema`, and in `checkTarget`. */
const targetKinds: { [K in DrillTarget['kind']]: TargetKind<K> } = {
  instance: instanceTarget,
  'service-broker': serviceBrokerTarget,
}

/** A drill that is run, and what stops running it here. */
export interface TargetCall<K extends DrillTarget['kind'] = DrillTarget['kind']> {
  drill: TargetedDrill<K>
  memory: TargetMemory
  signal: AbortSignal
}

/** Brings the target of a drill closer to being ready. */
export function prepareTarget<K extends DrillTarget['kind']>(
  context: Context,
  kind: K,
  { drill, memory, signal }: TargetCall<K>,
): Promise<Preparation> {
  return targetKinds[kind].prepare(context, drill, memory, signal)
}

/** Brings the target of a drill closer to its end. */
export function cleanUpTarget<K extends DrillTarget['kind']>(
  context: Context,
  kind: K,
  { drill, memory, signal }: TargetCall<K>,
): Promise<CleanUp> {
  return targetKinds[kind].cleanUp(context, drill, memory, signal)
}
