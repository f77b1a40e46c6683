import {
  type AuditEntry,
  type AuditQuery,
  auditEntrySchema,
  type BrokerAccount,
  type BrokerAccountCreate,
  type BrokerAccountPatch,
  type BrokerAccountQuery,
  brokerAccountSchema,
  type Token,
  type TokenCreate,
  type TokenCreated,
  type TokenQuery,
  tokenCreatedSchema,
  tokenSchema,
} from '@osb-backup/protocol/v1'
import type { Connection, CreateOptions, EditOptions } from '../connection.ts'
import { deleteCall, listCalls, pathOf, readCalls } from './resource.ts'

/** Calls about tokens. */
export const tokenCalls = (connection: Connection) => ({
  ...listCalls<Token, TokenQuery>(connection, '/v1/tokens', tokenSchema),
  ...readCalls(connection, '/v1/tokens', tokenSchema),
  /** Creates a token; only this answer shows it. */
  create: (token: TokenCreate, options: CreateOptions = {}): Promise<TokenCreated> =>
    connection.call({ method: 'POST', path: '/v1/tokens', body: token, answer: tokenCreatedSchema, ...options }),
  /** Revokes a token. */
  delete: deleteCall(connection, '/v1/tokens'),
})

const accounts = '/v1/broker-accounts'

/** Calls about the accounts of brokers. */
export const brokerAccountCalls = (connection: Connection) => ({
  ...listCalls<BrokerAccount, BrokerAccountQuery>(connection, accounts, brokerAccountSchema),
  ...readCalls(connection, accounts, brokerAccountSchema),
  create: (account: BrokerAccountCreate, options: CreateOptions = {}): Promise<BrokerAccount> =>
    connection.call({ method: 'POST', path: accounts, body: account, answer: brokerAccountSchema, ...options }),
  update: (name: string, patch: BrokerAccountPatch, options: EditOptions = {}): Promise<BrokerAccount> =>
    connection.call({
      method: 'PATCH',
      path: pathOf(accounts, name),
      body: patch,
      answer: brokerAccountSchema,
      ...options,
    }),
  delete: deleteCall(connection, accounts),
})

/** Calls about the audit log. */
export const auditEntryCalls = (connection: Connection) => ({
  ...listCalls<AuditEntry, AuditQuery>(connection, '/v1/audit-entries', auditEntrySchema),
})
