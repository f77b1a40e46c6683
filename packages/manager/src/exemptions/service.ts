import { authorizeInstance, authorizeReferredInstance, type Call, unknownInstance } from '../access/call.ts'
import { requireAllInstances } from '../access/limits.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { findInstance } from '../instances/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import type { Exemption } from './exemption.ts'
import * as repository from './repository.ts'

type ExemptionsContext = Pick<Context, 'database' | 'sealer'>

/** One page of the exemptions of instances that the caller was granted, newest first. */
export async function searchExemptions(
  context: ExemptionsContext,
  call: Call,
  { instanceId, ...filter }: Omit<repository.ExemptionSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Exemption>> {
  return repository.searchExemptions(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}

/** @throws {RequestError} If there is no such exemption, or the caller was not granted its instance. */
export async function getExemption(context: ExemptionsContext, call: Call, id: string): Promise<Exemption> {
  const exemption = await repository.findExemption(context, id)
  if (exemption === undefined) throw notFound('exemption', id)
  await authorizeInstance(call, exemption.instanceId, { what: 'exemption', id })
  return exemption
}

/**
 * Exempts an instance: it is unprotected on purpose until the exemption expires.
 *
 * @throws {RequestError} If the caller was not granted all instances, the instance is not registered, it is exempt already, or
 *   the exemption would have expired.
 */
export async function createExemption(
  context: ExemptionsContext,
  call: Call,
  wanted: Pick<Exemption, 'instanceId' | 'reason' | 'expiresAt'>,
  key?: IdempotencyKey,
): Promise<Exemption> {
  await requireAllInstances(call)
  await authorizeReferredInstance(call, wanted.instanceId, 'instanceId')
  if ((await findInstance(context, wanted.instanceId)) === undefined) {
    throw unknownInstance(wanted.instanceId, 'instanceId')
  }
  const createdAt = await readClock(context)
  requireLater(wanted.expiresAt, createdAt)
  const exemption = { ...wanted, id: newIdentifier(createdAt), version: 1, exemptedBy: deciderOf(call), createdAt }
  const created = createOnce<ExemptionsContext, Exemption>(context, {
    id: exemption.id,
    call,
    key,
    async create(tx) {
      await repository.insertExemption(tx, exemption)
      return exemption
    },
    find: (id) => repository.findExemption(context, id),
  })
  return created.catch((cause: unknown) => {
    if (!repository.hasExemption(cause)) throw cause
    const message = `The service instance ${JSON.stringify(wanted.instanceId)} is exempt already: change that exemption.`
    throw new RequestError('conflict', message, { field: 'instanceId', cause })
  })
}

/** Changes reason and expiry of an exemption. @throws {RequestError} As `createExemption`; or if somebody else changed it. */
export async function updateExemption(
  context: ExemptionsContext,
  call: Call,
  wanted: Exemption,
  stored: Exemption,
): Promise<Exemption> {
  await requireAllInstances(call)
  if (wanted.expiresAt.getTime() !== stored.expiresAt.getTime()) {
    requireLater(wanted.expiresAt, await readClock(context))
  }
  const changed = { ...wanted, exemptedBy: deciderOf(call) }
  const version = await inAuditedTransaction(context, call, async (tx) => {
    const written = await repository.updateExemption(tx, changed)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  return { ...changed, version }
}

/** Ends an exemption: the instance is protected again within a minute. @throws {RequestError} If there is none. */
export async function deleteExemption(context: ExemptionsContext, call: Call, id: string): Promise<void> {
  await getExemption(context, call, id)
  await requireAllInstances(call)
  await inAuditedTransaction(context, call, async (tx) => {
    if (!(await repository.deleteExemption(tx, id))) throw notFound('exemption', id)
  })
}

const deciderOf = ({ caller }: Call): Exemption['exemptedBy'] => ({
  kind: caller.kind,
  id: caller.id,
  name: caller.name,
})

function requireLater(expiresAt: Date, now: Date): void {
  if (expiresAt > now) return
  throw new RequestError('invalid', 'expiresAt must be in the future: an exemption always ends.', {
    field: 'expiresAt',
  })
}
