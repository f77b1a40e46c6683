import type { Call } from '../access/call.ts'
import { scopeOf } from '../access/scope.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { type InTransaction, inTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { AuditEntry } from './audit-entry.ts'
import * as repository from './repository.ts'

type AuditContext = Pick<Context, 'database'>

/**
 * Runs a change in a transaction that also records the call in the audit log: neither is stored without the other. The
 * entry of a call is written once, with its first change.
 *
 * @param call - Undefined for a change by the manager itself, which is not recorded.
 */
export async function inAuditedTransaction<C extends AuditContext, R>(
  context: C,
  call: Call | undefined,
  act: (tx: InTransaction<C>) => Promise<R>,
): Promise<R> {
  if (call === undefined || call.audit.isRecorded) return inTransaction(context, act)
  const result = await inTransaction(context, async (tx) => {
    const acted = await act(tx)
    await repository.insertAuditEntry(tx, entryOf(call, call.audit.status, await readClock(tx)))
    return acted
  })
  call.audit.isRecorded = true
  return result
}

/** Records a call that changed nothing: it was refused, or only tried something. */
export async function recordCall(context: AuditContext, call: Call, status: number): Promise<void> {
  await repository.insertAuditEntry(context, entryOf(call, status, await readClock(context)))
}

function entryOf({ caller, audit }: Call, status: number, at: Date): Omit<AuditEntry, 'id'> {
  const { address, action, path, instanceId } = audit
  const { kind, id, name } = caller
  return { at, caller: { kind, id, name }, address, action, path, status, instanceId }
}

/** One page of the log, newest first, of one instance or of all that the admin was granted. */
export async function listAuditEntries(
  context: Pick<Context, 'database'>,
  call: Call,
  instanceId: string | undefined,
  page: PageRequest,
): Promise<PageOf<AuditEntry>> {
  return repository.listAuditEntries(context, await scopeOf(call, instanceId), page)
}

/** One page of the log, newest first, as far as it concerns instances that the admin was granted. */
export async function searchAuditEntries(
  context: Pick<Context, 'database'>,
  call: Call,
  search: Omit<repository.AuditSearch, 'scope'>,
  page: KeysetRequest,
): Promise<KeysetPage<AuditEntry>> {
  return repository.searchAuditEntries(context, { ...search, scope: await scopeOf(call, search.instanceId) }, page)
}
