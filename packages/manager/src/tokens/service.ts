import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { writeFileAtomically } from '@osb-backup/node'
import type { Call } from '../access/call.ts'
import { type Caller, grantedCaller } from '../access/caller.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import * as repository from './repository.ts'
import type { NewToken, Token } from './token.ts'

/** The prefix of every token that the manager creates, so that secret scanners recognize one that leaked. */
const TOKEN_PREFIX = 'osbb_'
/** Precision of a token's last use: a write per call would cost more than the call. */
const LAST_USE_SECONDS = 60

/** Tokens are long and random, so one round of SHA-256 protects them: there is nothing to guess. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The caller behind a token; undefined if it is unknown, or has expired. */
export async function identifyToken(context: Pick<Context, 'database'>, secret: string): Promise<Caller | undefined> {
  const found = await repository.findValidToken(context, hashOf(secret), LAST_USE_SECONDS)
  if (found === undefined) return undefined
  const { token } = found
  if (!found.wasUsedLately) await repository.recordTokenUse(context, token.id)
  const { id, name, role, grants } = token
  return grantedCaller({ kind: 'token', id, name, role, onlyDeprovisions: false }, grants)
}

/** All tokens, oldest first. */
export function listTokens(context: Pick<Context, 'database'>): Promise<Token[]> {
  return repository.listTokens(context)
}

/**
 * Creates a token.
 *
 * @returns What is stored of it, and the token itself, which is shown only once.
 * @throws {RequestError} If it would have expired already.
 */
export async function createToken(
  context: Pick<Context, 'database'>,
  call: Call,
  wanted: NewToken,
  key?: IdempotencyKey,
): Promise<{ token: Token; secret: string }> {
  const now = await readClock(context)
  if (wanted.expiresAt !== undefined && wanted.expiresAt <= now) {
    throw new RequestError('invalid', 'expiresAt lies in the past.', { field: 'expiresAt' })
  }
  const id = newIdentifier(now)
  return createOnce<Pick<Context, 'database'>, { token: Token; secret: string }>(context, {
    id,
    call,
    key,
    create: (tx) => insertNewToken(tx, id, wanted),
    find(created) {
      const message = `This Idempotency-Key created the token ${created}, which was shown once: revoke it, and create another.`
      throw new RequestError('conflict', message, { field: 'Idempotency-Key' })
    },
  })
}

async function insertNewToken(
  context: Pick<Context, 'database'>,
  id: string,
  { name, role, grants, expiresAt }: NewToken,
  secret = TOKEN_PREFIX + randomBytes(32).toString('base64url'),
): Promise<{ token: Token; secret: string }> {
  const now = await readClock(context)
  const token = { id, name, role, grants, createdAt: now, expiresAt, lastUsedAt: undefined }
  await repository.insertToken(context, token, hashOf(secret))
  return { token, secret }
}

/**
 * Revokes a token, from now on.
 *
 * @throws {RequestError} If there is no such token, or it would revoke itself.
 */
export async function revokeToken(context: Pick<Context, 'database'>, call: Call, id: string): Promise<void> {
  if (call.caller.kind === 'token' && call.caller.id === id) {
    throw new RequestError('conflict', 'A token cannot revoke itself: use another admin token.')
  }
  await inAuditedTransaction(context, call, async (tx) => {
    if (!(await repository.deleteToken(tx, id))) throw notFound('token', id)
  })
}

/**
 * Creates the first admin token, if there is no token: the one from the settings, or a new one.
 *
 * @returns If a new one was created: the token and the file that holds it. It may be shown only once.
 */
export async function ensureAdminToken(
  context: Pick<Context, 'database' | 'settings' | 'log'>,
): Promise<{ token: string; path: string } | undefined> {
  const { settings } = context
  const path = join(settings.dataDirectory, 'admin-token')
  const created = await inTransaction(context, async (tx) => {
    await repository.lockTokens(tx)
    if ((await repository.listTokens(tx)).length > 0) return undefined
    const wanted = { name: 'first admin token', role: 'admin', grants: 'all', expiresAt: undefined } as const
    const { secret } = await insertNewToken(tx, newIdentifier(await readClock(tx)), wanted, settings.adminToken)
    await writeFileAtomically(path, `${secret}\n`)
    return secret
  })
  // One from the settings is known to the operator who set it, and must not be logged.
  if (created !== undefined) return settings.adminToken === undefined ? { token: created, path } : undefined
  if (settings.adminToken !== undefined && !(await identifyToken(context, settings.adminToken))) {
    context.log.warn('ADMIN_TOKEN is ignored: this database has tokens already, and it is not one of them')
  }
  return undefined
}

/** One page of the tokens whose name contains a text, newest first. */
export function searchTokens(
  context: Pick<Context, 'database'>,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<Token>> {
  return repository.searchTokens(context, text, page)
}

/** @throws {RequestError} If there is no such token. */
export async function getToken(context: Pick<Context, 'database'>, id: string): Promise<Token> {
  const token = await repository.findToken(context, id)
  if (token === undefined) throw notFound('token', id)
  return token
}
