import type { Call } from '../access/call.ts'
import { type Caller, type Grants, grantedCaller } from '../access/caller.ts'
import { areGrantsWithin, requireWithinOwnAccess } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { readFilterKey } from '../secrets/filter-key.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import type { BrokerAccount } from './broker-account.ts'
import { hashPassword } from './passwords.ts'
import type { StoredAccount } from './repository.ts'
import * as repository from './repository.ts'

/**
 * The account behind a name, for a credential to be compared with it.
 *
 * @returns Undefined: there is none.
 */
export function findAccount(context: Pick<Context, 'database'>, name: string): Promise<StoredAccount | undefined> {
  return repository.findBrokerAccount(context, name)
}

/** The broker of an account, as the caller of a request. */
export function accountCaller({ name, grants }: BrokerAccount): Caller {
  const access = { role: 'broker', permissions: [], onlyDeprovisions: true, validForMs: undefined } as const
  return grantedCaller({ kind: 'broker', id: name, name, ...access }, grants)
}

/** All accounts for the instances that the caller was granted, by name. */
export async function listBrokerAccounts(context: Pick<Context, 'database'>, call: Call): Promise<BrokerAccount[]> {
  return repository.listBrokerAccounts(context, await call.caller.grants())
}

/** Whether there is an account of that name. */
export async function hasBrokerAccount(context: Pick<Context, 'database'>, name: string): Promise<boolean> {
  return (await repository.findBrokerAccount(context, name)) !== undefined
}

/** Creates a broker account, or replaces its password and grants. */
export async function saveBrokerAccount(
  context: Context,
  call: Call,
  { name, password, grants }: { name: string; password: string; grants: Grants },
): Promise<BrokerAccount> {
  await requireGrantable(call, grants, 'serviceInstances')
  const passwordHash = await hashPassword(password, await readFilterKey(context))
  await inAuditedTransaction(context, call, async (tx) => {
    const stored = await repository.findBrokerAccount(tx, name)
    if (stored !== undefined) await requireOwnAccount(call, stored)
    await repository.upsertBrokerAccount(tx, { name, grants, passwordHash })
  })
  return { name, grants }
}

/** Nobody grants an account more than they were granted. @throws {RequestError} Naming the field. */
function requireGrantable(call: Call, grants: Grants, field: string): Promise<void> {
  return requireWithinOwnAccess(call, { role: 'viewer', permissions: [], grants }, field)
}

/** Accounts of other instances do not exist for an admin of some. @throws {RequestError} `not-found`. */
async function requireOwnAccount(call: Call, { name, grants }: BrokerAccount): Promise<void> {
  if (!areGrantsWithin(grants, await call.caller.grants())) throw notFound('broker account', name)
}

/** @throws {RequestError} If there is no such account. */
export async function deleteBrokerAccount(context: Context, call: Call, name: string): Promise<void> {
  await inAuditedTransaction(context, call, async (tx) => {
    await requireOwnAccount(call, await getStored(tx, name))
    if (!(await repository.deleteBrokerAccount(tx, name))) throw notFound('broker account', name)
  })
}

/** One page of the accounts whose name contains a text, newest first. */
export async function searchBrokerAccounts(
  context: Pick<Context, 'database'>,
  call: Call,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<BrokerAccount & { createdAt: Date }>> {
  return repository.searchBrokerAccounts(context, { scope: await call.caller.grants(), text }, page)
}

/** @throws {RequestError} If there is no such account. */
export async function getBrokerAccount(
  context: Pick<Context, 'database'>,
  call: Call,
  name: string,
): Promise<BrokerAccount & { createdAt: Date }> {
  const account = await getStored(context, name)
  await requireOwnAccount(call, account)
  return account
}

async function getStored(context: Pick<Context, 'database'>, name: string): Promise<StoredAccount> {
  const account = await repository.findBrokerAccount(context, name)
  if (account === undefined) throw notFound('broker account', name)
  return account
}

/**
 * Creates a broker account.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If there is an account of that name.
 */
export async function createBrokerAccount(
  context: Context,
  call: Call,
  { name, password, grants }: { name: string; password: string; grants: Grants },
  key?: IdempotencyKey,
): Promise<BrokerAccount & { createdAt: Date }> {
  await requireGrantable(call, grants, 'instances')
  const passwordHash = await hashPassword(password, await readFilterKey(context))
  await createOnce<Context, string>(context, {
    id: name,
    call,
    key,
    async create(tx) {
      if (await repository.insertBrokerAccount(tx, { name, grants, passwordHash })) return name
      const message = `There is a broker account ${JSON.stringify(name)} already.`
      throw new RequestError('conflict', message, { field: 'name' })
    },
    find: async () => (await repository.findBrokerAccount(context, name))?.name,
  })
  return getBrokerAccount(context, call, name)
}

/**
 * Changes the password or the grants of a broker account.
 *
 * @throws {RequestError} If there is no such account.
 */
export async function updateBrokerAccount(
  context: Context,
  call: Call,
  { name, password, grants }: { name: string; password?: string | undefined; grants?: Grants | undefined },
): Promise<BrokerAccount & { createdAt: Date }> {
  if (grants !== undefined) await requireGrantable(call, grants, 'instances')
  const passwordHash = password === undefined ? undefined : await hashPassword(password, await readFilterKey(context))
  await inAuditedTransaction(context, call, async (tx) => {
    const stored = await getStored(tx, name)
    await requireOwnAccount(call, stored)
    const { passwordHash: kept, grants: granted } = stored
    const changed = { name, grants: grants ?? granted, passwordHash: passwordHash ?? kept }
    await repository.upsertBrokerAccount(tx, changed)
  })
  return getBrokerAccount(context, call, name)
}
