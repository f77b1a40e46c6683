import type { Context } from '../context/context.ts'
import { CredHubError } from '../credentials/credhub-error.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { PartFailure } from './agent-contact.ts'

/**
 * An instance with the credentials of its database: its own, or those in CredHub if it is stored without a password. They are read
 * for each part that starts, and stored nowhere.
 *
 * @throws {PartFailure} If they cannot be read.
 */
export async function withDatabaseCredentials(
  { credHub }: Pick<Context, 'credHub'>,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<ServiceInstance> {
  if (credHub === undefined || instance.database.password !== undefined) return instance
  try {
    const account = await credHub.read(instance, signal)
    return { ...instance, database: { ...instance.database, ...account } }
  } catch (error) {
    if (error instanceof CredHubError) throw new PartFailure(error.code, error.message)
    throw error
  }
}
