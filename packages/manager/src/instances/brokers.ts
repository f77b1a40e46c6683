import type { Caller, Grants } from '../access/caller.ts'
import type { Context } from '../context/context.ts'
import { instanceIdsOfBroker } from './ids-repository.ts'
import { findBrokerOf } from './repository.ts'

/** Identifies a broker over all its credentials: tokens and users of one name are the same broker. */
export const brokerKey = ({ name }: Pick<Caller, 'name'>): string => name

/** A broker, which is granted what it registered itself, besides what is stored with it. */
export function brokerCaller(
  context: Pick<Context, 'database'>,
  caller: Omit<Caller, 'grants' | 'isGranted'>,
  grants: Grants,
): Caller {
  const key = brokerKey(caller)
  return {
    ...caller,
    async grants() {
      if (grants === 'all') return grants
      return [...grants, ...(await instanceIdsOfBroker(context, key))]
    },
    async isGranted(instanceId) {
      if (grants === 'all' || grants.includes(instanceId)) return true
      return (await findBrokerOf(context, instanceId)) === key
    },
  }
}
