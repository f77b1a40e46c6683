import {
  type AuditEntry,
  auditEntrySchema,
  type BrokerAccount,
  type BrokerAccountRequest,
  brokerAccountSchema,
  type Page,
  pageSchema,
  type Token,
  type TokenCreated,
  type TokenRequest,
  tokenCreatedSchema,
  tokenSchema,
} from '@osb-backup/protocol'
import { z } from 'zod'
import type { Connection, Paging } from '../connection.ts'

const quoted = encodeURIComponent

/** Calls about tokens. */
export const tokenCalls = (connection: Connection) => ({
  list: (): Promise<Token[]> => connection.get('/tokens', z.array(tokenSchema)),
  /** Makes a token; only this answer ever shows it. */
  create: (token: TokenRequest): Promise<TokenCreated> =>
    connection.call({ method: 'POST', path: '/tokens', body: token, answer: tokenCreatedSchema }),
  revoke: (id: string): Promise<void> => connection.remove(`/tokens/${quoted(id)}`),
})

/** Calls about the accounts of brokers. */
export const brokerAccountCalls = (connection: Connection) => ({
  list: (): Promise<BrokerAccount[]> => connection.get('/brokerAccounts', z.array(brokerAccountSchema)),
  /** Makes an account, or gives it another password or other instances. */
  put: (name: string, account: BrokerAccountRequest): Promise<BrokerAccount> =>
    connection.call({
      method: 'PUT',
      path: `/brokerAccounts/${quoted(name)}`,
      body: account,
      answer: brokerAccountSchema,
    }),
  remove: (name: string): Promise<void> => connection.remove(`/brokerAccounts/${quoted(name)}`),
})

/** Calls about the audit log. */
export const auditCalls = (connection: Connection) => ({
  /** Who did what, newest first, of one instance or of all. */
  list: (query: Paging & { serviceInstance?: string } = {}): Promise<Page<AuditEntry>> =>
    connection.get('/audit', pageSchema(auditEntrySchema), query),
})
