import { findInstance } from '../instances/repository.ts'
import type { TargetKind } from './target.ts'

/**
 * A registered instance that is marked as a drill target. Nothing is created, so that nothing has to be removed: the agent drops the
 * databases of a drill itself, right after their checks; a database that is restored over stays.
 */
export const instanceTarget: TargetKind<'instance'> = {
  async prepare(context, { target: { instanceId, database } }) {
    const instance = await findInstance(context, instanceId)
    const quoted = JSON.stringify(instanceId)
    if (instance === undefined) return { state: 'failed', reason: `The drill target ${quoted} is not registered.` }
    if (!instance.drillTarget) {
      const reason = `The service instance ${quoted} is not marked as a drill target, so that nothing was restored into it.`
      return { state: 'failed', reason }
    }
    return { state: 'ready', instanceId, database }
  },

  async cleanUp() {
    return { state: 'done' }
  },
}
