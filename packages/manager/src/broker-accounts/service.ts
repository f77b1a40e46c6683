import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Call } from '../access/call.ts'
import { type Caller, type Grants, grantedCaller } from '../access/caller.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { notFound } from '../shared/request-error.ts'
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
