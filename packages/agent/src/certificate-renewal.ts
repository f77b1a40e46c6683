import type { Server } from 'node:https'
import {
  errorMessage,
  followTlsFiles,
  type PeriodicTask,
  type RunningTasks,
  startPeriodicTasks,
  type TlsFiles,
} from '@osb-backup/node'
import type { FastifyInstance } from 'fastify'
import type pino from 'pino'
import type { AgentIdentity } from './enrolment/agent-identity.ts'
import { tlsOptions } from './http/server.ts'
import type { AgentSettings } from './settings/agent-settings.ts'
import { tlsFilePaths } from './start-checks.ts'

/** How often it is checked whether the certificate is due to be renewed, and how soon a renewal that failed is repeated. */
const RENEWAL_INTERVAL_MS = 60_000

/** Renews the certificate of an enrolled agent before it expires; connections that exist stay. */
export function renewPeriodically(server: FastifyInstance, identity: AgentIdentity, log: pino.Logger): RunningTasks {
  const https = server.server as Server
  const task: PeriodicTask = {
    name: 'renew the certificate',
    intervalMs: RENEWAL_INTERVAL_MS,
    async run(stopping) {
      if (await identity.renewIfDue(stopping)) https.setSecureContext(tlsOptions(identity.tls))
      return false
    },
  }
  return startPeriodicTasks([task], (_, error) => log.error({ err: errorMessage(error) }, 'renewing failed'))
}

/** Serves renewed certificates to new connections; those that exist stay. */
export function followCertificates(
  server: FastifyInstance,
  settings: AgentSettings,
  tls: TlsFiles | undefined,
  log: pino.Logger,
): () => Promise<void> {
  const paths = tlsFilePaths(settings.tls)
  const https = server.server as Server
  if (paths === undefined || tls === undefined) return async () => undefined
  return followTlsFiles(paths, tls, {
    apply(files) {
      https.setSecureContext(tlsOptions(files))
      log.info('the certificate was renewed')
    },
    reject: (problem) => log.error({ err: problem }, 'the new certificate is not used, the old one stays'),
  })
}
