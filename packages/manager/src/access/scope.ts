import { authorizeInstance, type Call } from './call.ts'
import type { Grants } from './caller.ts'

/**
 * The service instances that a list covers: the one that it is filtered by, or all that the caller was granted.
 *
 * @throws {RequestError} `not-found`, if the one was not granted.
 */
export async function scopeOf(call: Call, instanceId: string | undefined): Promise<Grants> {
  if (instanceId === undefined) return call.caller.grants()
  await authorizeInstance(call, instanceId)
  return [instanceId]
}
