import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Call } from '../access/call.ts'
import { type Caller, type Grants, grantedCaller } from '../access/caller.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import type { BrokerAccount } from './broker-account.ts'
import * as repository from './repository.ts'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const KEY_BYTES = 32

/** Passwords are chosen by people, so they are stored as scrypt hashes. */
async function hashOf(password: string, salt: Buffer): Promise<string> {
  return `${salt.toString('hex')}.${(await derive(password, salt, KEY_BYTES)).toString('hex')}`
}

/** The broker behind HTTP Basic credentials, if they are valid. Takes as long for a name that does not exist. */
export async function identifyBroker(
  context: Pick<Context, 'database'>,
  name: string,
  password: string,
): Promise<Caller | undefined> {
  const account = await repository.findBrokerAccount(context, name)
  const stored = account?.passwordHash ?? (await hashOf('nobody', Buffer.alloc(16)))
  const [salt = ''] = stored.split('.', 1)
  const tried = await hashOf(password, Buffer.from(salt, 'hex'))
  if (!timingSafeEqual(Buffer.from(tried), Buffer.from(stored)) || account === undefined) return undefined
  const caller = { kind: 'broker', id: name, name, role: 'operator', onlyDeprovisions: true } as const
  return grantedCaller(caller, account.grants)
}

/** All accounts, by name. */
export function listBrokerAccounts(context: Pick<Context, 'database'>): Promise<BrokerAccount[]> {
  return repository.listBrokerAccounts(context)
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
  const passwordHash = await hashOf(password, randomBytes(16))
  await inAuditedTransaction(context, call, (tx) => repository.upsertBrokerAccount(tx, { name, grants, passwordHash }))
  return { name, grants }
}

/** @throws {RequestError} If there is no such account. */
export async function deleteBrokerAccount(context: Context, call: Call, name: string): Promise<void> {
  await inAuditedTransaction(context, call, async (tx) => {
    if (!(await repository.deleteBrokerAccount(tx, name))) throw notFound('broker account', name)
  })
}

/** One page of the accounts whose name contains a text, newest first. */
export function searchBrokerAccounts(
  context: Pick<Context, 'database'>,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<BrokerAccount & { createdAt: Date }>> {
  return repository.searchBrokerAccounts(context, text, page)
}

/** @throws {RequestError} If there is no such account. */
export async function getBrokerAccount(
  context: Pick<Context, 'database'>,
  name: string,
): Promise<BrokerAccount & { createdAt: Date }> {
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
  const passwordHash = await hashOf(password, randomBytes(16))
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
  return getBrokerAccount(context, name)
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
  const passwordHash = password === undefined ? undefined : await hashOf(password, randomBytes(16))
  await inAuditedTransaction(context, call, async (tx) => {
    const stored = await repository.findBrokerAccount(tx, name)
    if (stored === undefined) throw notFound('broker account', name)
    const { passwordHash: kept, grants: granted } = stored
    const changed = { name, grants: grants ?? granted, passwordHash: passwordHash ?? kept }
    await repository.upsertBrokerAccount(tx, changed)
  })
  return getBrokerAccount(context, name)
}
