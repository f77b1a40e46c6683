import { X509Certificate } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { addressRule } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { requireAllInstances } from '../access/limits.ts'
import { getReferredAgent } from '../agents/service.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import { type CatalogService, readCatalog } from './catalog.ts'
import { countProvisioned } from './instances-repository.ts'
import * as repository from './repository.ts'
import type { NewServiceBroker, ServiceBroker } from './service-broker.ts'

/** Longest time to resolve a host name when a service broker is stored. */
const RESOLVE_MS = 3000

/** A service broker with the number of its instances that exist, or may. */
export interface CountedBroker {
  broker: ServiceBroker
  instanceCount: number
}

/** One page of the service brokers, newest first. */
export async function searchBrokers(
  context: RepositoryContext,
  call: Call,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<CountedBroker>> {
  await requireAllInstances(call)
  const { entries, ...rest } = await repository.searchBrokers(context, text, page)
  const ids = entries.map(({ id }) => id)
  const counts = await countProvisioned(context, ids)
  return { entries: entries.map((broker) => ({ broker, instanceCount: counts.get(broker.id) ?? 0 })), ...rest }
}

/** @throws {RequestError} If there is no such service broker. */
export async function getBroker(context: RepositoryContext, call: Call, id: string): Promise<CountedBroker> {
  await requireAllInstances(call)
  const broker = await repository.findBroker(context, id)
  if (broker === undefined) throw notFound('service broker', id)
  return { broker, instanceCount: (await countProvisioned(context, [id])).get(id) ?? 0 }
}

/**
 * Registers a service broker.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If the operator does not allow its address, or its agent does not exist.
 */
export async function createBroker(
  context: Context,
  call: Call,
  wanted: NewServiceBroker,
  key?: IdempotencyKey,
): Promise<ServiceBroker> {
  await requireAllInstances(call)
  await checkBroker(context, call, wanted)
  const createdAt = await readClock(context)
  const broker = { ...wanted, id: newIdentifier(createdAt), version: 1, createdAt }
  return createOnce<Context, ServiceBroker>(context, {
    id: broker.id,
    call,
    key,
    async create(tx) {
      await repository.insertBroker(tx, broker)
      return broker
    },
    find: (id) => repository.findBroker(context, id),
  })
}

/** @throws {RequestError} As `createBroker`; or if somebody else changed it. */
export async function updateBroker(context: Context, call: Call, wanted: ServiceBroker): Promise<CountedBroker> {
  await requireAllInstances(call)
  await checkBroker(context, call, wanted)
  const version = await inAuditedTransaction(context, call, async (tx) => {
    const written = await repository.updateBroker(tx, wanted)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  const { instanceCount } = await getBroker(context, call, wanted.id)
  return { broker: { ...wanted, version }, instanceCount }
}

/**
 * Deletes a service broker.
 *
 * @throws {RequestError} If instances of it exist, or may: nobody would delete them any more.
 */
export async function deleteBroker(context: RepositoryContext, call: Call, id: string): Promise<void> {
  await requireAllInstances(call)
  await inAuditedTransaction(context, call, async (tx) => {
    const broker = await repository.lockBroker(tx, id)
    if (broker === undefined) throw notFound('service broker', id)
    const count = (await countProvisioned(tx, [id])).get(id) ?? 0
    if (count > 0) {
      const message = `${count === 1 ? 'One instance' : `${count} instances`} of the service broker ${JSON.stringify(broker.name)} may still exist: delete the provisioned instances first.`
      throw new RequestError('conflict', message)
    }
    await repository.deleteBroker(tx, id)
  })
}

/** @throws {RequestError} Saying in one sentence why the catalog cannot be read. */
export async function getCatalog(
  context: RepositoryContext & Pick<Context, 'settings'>,
  call: Call,
  id: string,
): Promise<CatalogService[]> {
  const { broker } = await getBroker(context, call, id)
  // Within the deadline of the request.
  return readCatalog(
    context,
    { ...broker, requestTimeoutSeconds: Math.min(broker.requestTimeoutSeconds, 60) },
    AbortSignal.timeout(90_000),
  )
}

async function checkBroker(context: Context, call: Call, wanted: NewServiceBroker): Promise<void> {
  if (wanted.agentId !== undefined) await getReferredAgent(context, call, wanted.agentId)
  checkCertificate(wanted.caCertificate)
  await checkAddress(wanted.url, context)
}

function checkCertificate(pem: string | undefined): void {
  if (pem === undefined) return
  try {
    new X509Certificate(pem)
  } catch (cause) {
    const message = 'caCertificate must be certificates in PEM format.'
    throw new RequestError('invalid', message, { field: 'caCertificate', cause })
  }
}

/** Addresses are judged again as they are connected to; a name that does not resolve at the moment is accepted. */
async function checkAddress(url: string, { settings }: Pick<Context, 'settings'>): Promise<void> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await resolveHost(host) : [host]
  if (addresses.every(addressRule(settings.privateDestinations))) return
  throw new RequestError('invalid', 'url leads to an address that the operator does not allow.', { field: 'url' })
}

async function resolveHost(host: string): Promise<string[]> {
  const found = lookup(host, { all: true }).catch(() => [])
  const late = new Promise<[]>((resolve) => setTimeout(resolve, RESOLVE_MS, []).unref())
  return (await Promise.race([found, late])).map(({ address }) => address)
}
