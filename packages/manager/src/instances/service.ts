import { authorizeInstance, type Call } from '../access/call.ts'
import type { RepositoryContext } from '../context/context.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { notFound } from '../shared/request-error.ts'
import type { ServiceInstance } from './instance.ts'
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
