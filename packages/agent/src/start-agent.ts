import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  errorMessage,
  followTlsFiles,
  loadTlsFiles,
  omitUndefined,
  SettingsError,
  type TlsFiles,
} from '@osb-backup/node'
import { missingNodeFlags } from '@osb-backup/storage/node-flags'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { openDirectories, openForScripts } from './directory-checks.ts'
import { buildServer, tlsOptions } from './http/server.ts'
import type { JobDependencies } from './jobs/job-dependencies.ts'
import { JobMetrics } from './jobs/job-metrics.ts'
import { noteShutdown } from './jobs/job-record.ts'
import { JobRegistry } from './jobs/job-registry.ts'
import { lockDirectory } from './journal/directory-lock.ts'
import { Journal } from './journal/journal.ts'
import { startMaintenance } from './maintenance.ts'
import { resumePending, startRecovery } from './recovery/recover.ts'
import { openCgroups } from './scripts/cgroup.ts'
import type { AgentSettings } from './settings/agent-settings.ts'
import { ObjectClaims } from './stages/object-claim.ts'
import { checkPlainHttp, checkScripts, readCaFile, tlsFilePaths } from './start-checks.ts'
import { AgentStores } from './stores/agent-stores.ts'

/** How long callers have to receive pending answers when the agent shuts down. */
const LAST_ANSWERS_MS = 1000

/** A listening agent. */
export interface Agent {
  /** Its URL on this machine: `http://127.0.0.1:8000`. */
  url: string
  port: number
  /** Settles when the jobs that an earlier agent left running are finished, and new jobs are accepted. */
  recovered: Promise<void>
  /**
   * Accepts no new jobs, waits for the running ones within the grace period, cancels the others, runs their cleanup and
   * unlock scripts, and closes. Requests are answered until then.
   */
  stop(): Promise<void>
}

/**
 * Starts an agent. When this resolves, it listens and knows every job from before.
 *
 * @throws {SettingsError} If a directory, a file or the port that the settings name cannot be used.
 */
export async function startAgent(settings: AgentSettings): Promise<Agent> {
  const log = pino({ level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime })
  noteMissingFlags(log)
  await openDirectories(settings)
  await openForScripts(settings, await checkScripts(settings, log))
  checkPlainHttp(settings, log)
  const paths = tlsFilePaths(settings.tls)
  const files = omitUndefined({
    tls: paths && (await loadTlsFiles(paths)),
    ca: await readCaFile(settings.transfers.caFile),
  })
  const lock = await lockDirectory(settings.stateDirectory)
  if ('heldBy' in lock) {
    throw new SettingsError(`state_directory is in use by another agent, process ${lock.heldBy}: stop it first.`)
  }
  try {
    return await startLocked(settings, log, files, lock.release)
  } catch (error) {
    await lock.release()
    throw error
  }
}

function noteMissingFlags(log: pino.Logger): void {
  const flags = missingNodeFlags(process)
  if (flags.length > 0) log.info({ flags }, 'Node was started without these flags, so transfers take more memory')
}

async function startLocked(
  settings: AgentSettings,
  log: pino.Logger,
  { tls, ca }: { tls?: TlsFiles; ca?: string },
  unlock: () => Promise<void>,
): Promise<Agent> {
  const now = () => new Date()
  const journal = await Journal.open(settings.stateDirectory)
  const registry = new JobRegistry(journal, settings)
  const metrics = new JobMetrics(now())
  const stores = new AgentStores(settings.transfers, ca)
  const cgroups = openCgroups(settings.stateDirectory)
  const claims = new ObjectClaims()
  const deps: JobDependencies = { settings, registry, stores, claims, metrics, cgroups, log, now }
  const server = buildServer(deps, tls)
  const interrupted = await startRecovery(journal, deps)
  try {
    await server.listen({ host: settings.host, port: settings.port })
  } catch (error) {
    // Databases are unlocked even if the agent cannot listen.
    await Promise.all(interrupted.map((job) => job.run))
    throw new SettingsError(`client_host and client_port cannot be listened on: ${errorMessage(error)}.`)
  }
  const recovered = Promise.all(interrupted.map((job) => job.run)).then(() => {
    registry.open()
    if (interrupted.length > 0) log.info({ jobs: interrupted.length }, 'recovery finished')
  })
  for (const job of registry.pending()) void resumePending(job, deps)
  const maintenance = startMaintenance(deps)
  const unfollow = followCertificates(server, settings, tls, log)
  const { port } = server.server.address() as AddressInfo
  log.info({ host: settings.host, port, tls: tls !== undefined }, 'listening')
  if (settings.credentials === undefined) log.warn('this agent has no credentials: any caller has full access')
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${urlHost(settings.host)}:${port}`,
    port,
    recovered,
    async stop() {
      await drain(deps)
      await maintenance.stop()
      await unfollow()
      await registry
        .saveUnsaved()
        .catch((error: unknown) => log.error({ err: errorMessage(error) }, 'job state not saved'))
      await closeServer(server)
      await unlock()
    },
  }
}

/** Serves renewed certificates to new connections; those that exist stay. */
function followCertificates(
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

/** Waits for the running jobs within the grace period, then cancels them and waits for their always-run steps. */
async function drain({ registry, settings, log }: JobDependencies): Promise<void> {
  registry.close()
  const running = registry.running()
  log.info({ running: running.length, graceMs: settings.shutdownGraceMs }, 'shutting down')
  const pending = registry.pending()
  const over = Promise.all(running.map((job) => job.run))
  const waiting = new AbortController()
  const grace = sleep(settings.shutdownGraceMs, undefined, { signal: waiting.signal }).catch(() => undefined)
  await Promise.race([over, grace])
  waiting.abort()
  for (const job of registry.running()) {
    noteShutdown(job.record)
    job.cancel.abort()
  }
  await over
  // The attempt that is under way, if any: the next start of the agent makes the next one.
  await Promise.all([...running, ...pending].map((job) => job.retries))
}

/** Closes the server when pending answers are sent, without waiting for callers to close their connections. */
async function closeServer(server: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => server.server.closeAllConnections(), LAST_ANSWERS_MS)
  await server.close()
  clearTimeout(timer)
}

/** The host for a URL: a server on all addresses is reached at the loopback address. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
