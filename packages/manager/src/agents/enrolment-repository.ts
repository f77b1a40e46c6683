import { sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

interface WithDatabase {
  database: Database
}

/** What is known of the enrolment of an agent. */
export interface Enrolment {
  id: string
  name: string | undefined
  url: string
  /** Whether its token was used. */
  isUsed: boolean
  /** The certificate that it presents, in PEM; undefined: it was never enrolled. */
  certificate: string | undefined
  /** A renewed one that was issued, and that it has not presented yet. */
  nextCertificate: string | undefined
  /** Time of the database. */
  now: Date
}

const enrolments = ({ database }: WithDatabase) =>
  database
    .selectFrom('agents')
    .select(['id', 'name', 'url', 'certificate', 'next_certificate', 'enrolment_used_at'])
    .select(sql<Date>`date_trunc('milliseconds', clock_timestamp())`.as('now'))
    .where('deleted_at', 'is', null)

type Row = Awaited<ReturnType<ReturnType<typeof enrolments>['executeTakeFirstOrThrow']>>

const fromRow = (row: Row): Enrolment => ({
  id: row.id,
  name: row.name ?? undefined,
  url: row.url,
  isUsed: row.enrolment_used_at !== null,
  certificate: row.certificate ?? undefined,
  nextCertificate: row.next_certificate ?? undefined,
  now: row.now,
})

/** The agent that a token is for, which has not expired. */
export async function findByToken(context: WithDatabase, tokenHash: string): Promise<Enrolment | undefined> {
  const row = await enrolments(context)
    .where('enrolment_token_hash', '=', tokenHash)
    .where('enrolment_expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row && fromRow(row)
}

/** The enrolment of an agent, unless it was deleted. */
export async function findEnrolment(context: WithDatabase, id: string): Promise<Enrolment | undefined> {
  const row = await enrolments(context).where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Keeps others from changing the enrolment of an agent until the transaction ends. */
export async function lockEnrolment({ database }: InTransaction, id: string): Promise<void> {
  await database.selectFrom('agents').select('id').where('id', '=', id).forUpdate().execute()
}

/** Stores the token of an agent in place of an earlier one. */
export async function storeToken(
  { database }: RepositoryContext,
  id: string,
  tokenHash: string,
  expiresAt: Date,
): Promise<void> {
  await database
    .updateTable('agents')
    .set({ enrolment_token_hash: tokenHash, enrolment_expires_at: expiresAt, enrolment_used_at: null })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
}

/** Records the certificate of an agent that enrolled; earlier ones are not accepted from now on. */
export async function storeEnrolled(
  { database }: WithDatabase,
  id: string,
  certificate: string,
  expiresAt: Date,
): Promise<void> {
  await database
    .updateTable('agents')
    .set({ certificate, next_certificate: null, certificate_expires_at: expiresAt })
    .set({ enrolment_used_at: sql<Date>`now()`, check_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
}

/**
 * Records a renewed certificate. Until the agent presents it, the one that it renewed is accepted too: the answer may be lost.
 *
 * @param certificate - The one whose key authenticated the renewal.
 */
export async function storeRenewed(
  { database }: WithDatabase,
  id: string,
  { certificate, expiresAt, nextCertificate }: { certificate: string; expiresAt: Date; nextCertificate: string },
): Promise<void> {
  await database
    .updateTable('agents')
    .set({ certificate, certificate_expires_at: expiresAt, next_certificate: nextCertificate })
    .where('id', '=', id)
    .execute()
}

/** Records that an agent presents its renewed certificate: the earlier one is not accepted from now on. */
export async function adoptNext(
  { database }: WithDatabase,
  id: string,
  nextCertificate: string,
  expiresAt: Date,
): Promise<void> {
  await database
    .updateTable('agents')
    .set({ certificate: nextCertificate, certificate_expires_at: expiresAt, next_certificate: null })
    .where('id', '=', id)
    .where('next_certificate', '=', nextCertificate)
    .execute()
}
