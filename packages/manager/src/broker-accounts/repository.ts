import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type Caller, type Grants, grantedCaller } from '../access/caller.ts'
import type { Context } from '../context/context.ts'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const KEY_BYTES = 32

type Reach = Pick<Context, 'database'>

/** Their passwords are chosen by people, so they are kept as scrypt hashes. */
async function hashOf(password: string, salt: Buffer): Promise<string> {
  return `${salt.toString('hex')}.${(await derive(password, salt, KEY_BYTES)).toString('hex')}`
}

/** The broker behind HTTP Basic credentials; undefined if there is none. Takes as long for a name that is not there. */
export async function callerOfBroker({ database }: Reach, name: string, password: string): Promise<Caller | undefined> {
  const row = await database.selectFrom('broker_accounts').selectAll().where('name', '=', name).executeTakeFirst()
  const kept = row?.password_hash ?? (await hashOf('nobody', Buffer.alloc(16)))
  const [salt = ''] = kept.split('.', 1)
  const tried = await hashOf(password, Buffer.from(salt, 'hex'))
  if (!timingSafeEqual(Buffer.from(tried), Buffer.from(kept)) || row === undefined) return undefined
  const caller = { kind: 'broker', id: name, name, role: 'operator', onlyDeprovisions: true } as const
  return grantedCaller(caller, row.grants)
}

/** Makes a broker's account, or gives it another password or other grants. Returns whether it is new. */
export async function saveBrokerAccount(
  { database }: Reach,
  account: { name: string; password: string; grants: Grants },
): Promise<boolean> {
  const known = await database
    .selectFrom('broker_accounts')
    .select('name')
    .where('name', '=', account.name)
    .executeTakeFirst()
  const values = {
    password_hash: await hashOf(account.password, randomBytes(16)),
    grants: JSON.stringify(account.grants),
  }
  await database
    .insertInto('broker_accounts')
    .values({ name: account.name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
  return known === undefined
}

export async function listBrokerAccounts({ database }: Reach): Promise<{ name: string; grants: Grants }[]> {
  return database.selectFrom('broker_accounts').select(['name', 'grants']).orderBy('name').execute()
}

/** Returns whether there was such an account. */
export async function removeBrokerAccount({ database }: Reach, name: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('broker_accounts').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}
