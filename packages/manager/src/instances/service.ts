import { authorizeInstance, type Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import { backupHost, type ServiceInstance } from './instance.ts'
import * as repository from './repository.ts'

/** One page of the instances that the caller was granted, by id. */
export async function listInstances(
  context: RepositoryContext,
  call: Call,
  page: PageRequest,
): Promise<PageOf<ServiceInstance>> {
  return repository.listInstances(context, await call.caller.grants(), page)
}

/** @throws {RequestError} If there is no such instance, or the caller was not granted it. */
export async function getInstance(context: RepositoryContext, call: Call, id: string): Promise<ServiceInstance> {
  await authorizeInstance(call, id)
  const instance = await repository.findInstance(context, id)
  if (instance === undefined) throw notFound('service instance', id)
  return instance
}

/** The instance, if it is registered; for callers that were authorized already. */
export function findInstance(context: RepositoryContext, id: string): Promise<ServiceInstance | undefined> {
  return repository.findInstance(context, id)
}

/** Instances by id, also deleted ones. */
export function instancesById(
  context: RepositoryContext,
  ids: readonly string[],
): Promise<Map<string, ServiceInstance>> {
  return repository.instancesById(context, ids)
}

/**
 * Registers an instance, or replaces it.
 *
 * @param edited - The version to replace; undefined: whichever is stored.
 * @returns The instance with its new version.
 * @throws {RequestError} If it cannot be backed up as it is, or was changed meanwhile.
 */
export async function saveInstance(
  context: Context,
  call: Call,
  instance: ServiceInstance,
  edited: number | undefined,
): Promise<ServiceInstance> {
  await authorizeInstance(call, instance.id)
  backupHost(instance.hosts)
  if (instance.agent.password === undefined) {
    throw new RequestError('invalid', 'agent.password is required: the password the agent was started with.', {
      field: 'agent.password',
    })
  }
  const version = await inAuditedTransaction(context, call, async (tx) => {
    const written = await repository.upsertInstance(tx, instance, edited)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  return { ...instance, version }
}
