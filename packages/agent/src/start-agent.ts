import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  errorMessage,
  loadTlsFiles,
  logFields,
  omitUndefined,
  SettingsError,
  type TlsFiles,
  VERSION,
} from '@osb-backup/node'
import { startTracing } from '@osb-backup/node/tracing'
import { missingNodeFlags } from '@osb-backup/storage/node-flags'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { followCertificates, renewPeriodically } from './certificate-renewal.ts'
import { openStateDirectory } from './directory-checks.ts'
import { AgentIdentity } from './enrolment/agent-identity.ts'
import { KnownCallers } from './http/known-callers.ts'
import { buildServer } from './http/server.ts'
import type { JobDependencies } from './jobs/job-dependencies.ts'
import { JobMetrics } from './jobs/job-metrics.ts'
import { noteShutdown } from './jobs/job-record.ts'
import { JobRegistry } from './jobs/job-registry.ts'
import { pendingSteps } from './jobs/pending-steps.ts'
import { lockDirectory } from './journal/directory-lock.ts'
import { Journal } from './journal/journal.ts'
import { startMaintenance } from './maintenance.ts'
import { QueryScripts } from './queries/query-scripts.ts'
import { resumePending, startRecovery } from './recovery/recover.ts'
import { openCgroups } from './scripts/cgroup.ts'
import type { AgentSettings } from './settings/agent-settings.ts'
import { ObjectClaims } from './stages/object-claim.ts'
import { checkPlainHttp, checkStart, readCaFile, tlsFilePaths } from './start-checks.ts'
import { AgentStores } from './stores/agent-stores.ts'

/** How long callers have to receive pending answers when the agent shuts down. */
const LAST_ANSWERS_MS = 1000
/** The pause before another attempt to listen: the first, and the longest. An enrolment is an attempt to authenticate at the manager. */
const LISTEN_RETRY_MS = 1000
const MAX_LISTEN_RETRY_MS = 10_000

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
 * Starts an agent. When this resolves, it listens and knows every job from before. If a job from before has to be finished,
 * what is wrong with the settings only keeps it from accepting new ones.
 *
 * @param stopping - Ends a start that waits for jobs from before.
 * @throws {SettingsError} If a directory, a file or the port that the settings name cannot be used.
 */
export async function startAgent(configured: AgentSettings, stopping?: AbortSignal): Promise<Agent> {
  const log = pino({
    level: configured.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Each line names the request that it was logged for, if any.
    mixin: logFields,
  })
  noteMissingFlags(log)
  await openStateDirectory(configured)
  const lock = await lockDirectory(configured.stateDirectory)
  if ('heldBy' in lock) {
    throw new SettingsError(`state_directory is in use by another agent, process ${lock.heldBy}: stop it first.`)
  }
  try {
    const stopTracing = await startExport(configured, log)
    const unlock = async () => {
      await stopTracing()
      await lock.release()
    }
    return await startLocked(configured, log, { unlock, ...omitUndefined({ stopping }) })
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** Exports what is traced. Returns what stops that. */
async function startExport({ tracing }: AgentSettings, log: pino.Logger): Promise<() => Promise<void>> {
  if (tracing === undefined) return async () => undefined
  const warn = (message: string) => log.warn({ reason: message }, 'traces are not exported')
  return startTracing({ serviceName: 'osb-backup-agent', version: VERSION, ...tracing, warn })
}

function noteMissingFlags(log: pino.Logger): void {
  const flags = missingNodeFlags(process)
  if (flags.length > 0) log.info({ flags }, 'Node was started without these flags, so transfers take more memory')
}

async function startLocked(
  configured: AgentSettings,
  log: pino.Logger,
  { unlock, stopping }: { unlock: () => Promise<void>; stopping?: AbortSignal },
): Promise<Agent> {
  const now = () => new Date()
  const journal = await Journal.open(configured.stateDirectory)
  const content = await journal.readAll()
  const hasToFinish = content.jobs.some((job) => job.status === 'RUNNING' || pendingSteps(job).length > 0)
  const { settings, ca, problem } = await checkStart(configured, log, { hasToFinish })
  const registry = new JobRegistry(journal, settings)
  registry.startProblem = problem
  if (problem !== undefined) {
    log.error({ err: problem }, 'a check of the start failed: earlier jobs are finished, and no new ones accepted')
  }
  const metrics = new JobMetrics(now(), log)
  const stores = new AgentStores(settings.transfers, ca)
  const cgroups = openCgroups(settings.stateDirectory)
  const claims = new ObjectClaims()
  const queries = new QueryScripts(settings, cgroups, registry.stopping)
  const deps: JobDependencies = { settings, registry, stores, claims, queries, metrics, cgroups, log, now }
  await queries.endOrphans()
  const interrupted = await startRecovery(content, deps)
  for (const job of registry.pending()) void resumePending(job, deps)
  const { server, tls, identity } = await listenAfterAll(deps, stopping)
  const recovered = Promise.all(interrupted.map((job) => job.run)).then(() => {
    registry.open()
    if (interrupted.length > 0) log.info({ jobs: interrupted.length }, 'recovery finished')
  })
  const maintenance = startMaintenance(deps, () => repeatChecks(configured, deps))
  const unfollow = followCertificates(server, settings, tls, log)
  const renewal = identity && renewPeriodically(server, identity, log)
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
      await renewal?.stop()
      await registry
        .saveUnsaved()
        .catch((error: unknown) => log.error({ err: errorMessage(error) }, 'job state not saved'))
      await closeServer(server)
      await unlock()
    },
  }
}

/** Accepts new jobs once the checks that failed at the start succeed. */
async function repeatChecks(configured: AgentSettings, { settings, registry, stores, log }: JobDependencies) {
  if (registry.startProblem === undefined) return
  try {
    const checked = await checkStart(configured, log, { hasToFinish: false })
    if (checked.settings.scriptAccount?.uid !== settings.scriptAccount?.uid) {
      throw new SettingsError('script_user is another account than when the agent was started: restart the agent.')
    }
    stores.trust(checked.ca)
    registry.startProblem = undefined
    log.info('the checks of the start succeed: new jobs are accepted')
  } catch (error) {
    registry.startProblem = errorMessage(error)
  }
}

/**
 * Listens. While jobs from before have to be finished, a failure does not end the agent: databases are unlocked even if it cannot
 * listen, and it tries again until nothing is left to do.
 */
async function listenAfterAll(deps: JobDependencies, stopping = new AbortController().signal): Promise<Listening> {
  const { registry, log } = deps
  let pauseMs = LISTEN_RETRY_MS
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await listen(deps)
    } catch (error) {
      if (registry.running().length === 0 && registry.pending().length === 0) throw error
      if (isFirst) log.error({ err: errorMessage(error) }, 'the agent cannot listen, and finishes earlier jobs')
      await sleep(pauseMs, undefined, { signal: stopping }).catch(() => undefined)
      pauseMs = Math.min(2 * pauseMs, MAX_LISTEN_RETRY_MS)
      if (!stopping.aborted) continue
      await drain(deps)
      throw error
    }
  }
}

/** A server that listens, and its certificates. */
interface Listening {
  server: FastifyInstance
  tls: TlsFiles | undefined
  identity: AgentIdentity | undefined
}

/**
 * Listens, with the certificate of the files or of the enrolment.
 *
 * @throws {SettingsError} If the agent gets no certificate, or cannot listen.
 */
async function listen(deps: JobDependencies): Promise<Listening> {
  const { settings, log } = deps
  checkPlainHttp(settings, log)
  const paths = tlsFilePaths(settings.tls)
  const identity = await openIdentity(deps)
  const tls = identity?.tls ?? (paths && (await loadTlsFiles(paths)))
  const known = await KnownCallers.open(join(settings.stateDirectory, 'known-callers.json'), deps)
  const server = buildServer(deps, known, omitUndefined({ tls, certificate: identity }))
  try {
    await server.listen({ host: settings.host, port: settings.port })
    return { server, tls, identity }
  } catch (error) {
    await server.close()
    throw new SettingsError(`client_host and client_port cannot be listened on: ${errorMessage(error)}.`)
  }
}

async function openIdentity({ settings, log, now }: JobDependencies): Promise<AgentIdentity | undefined> {
  const { enrolment, stateDirectory } = settings
  if (enrolment === undefined) return undefined
  const ca = await readCaFile('enrolment_ca_file', enrolment.caFile)
  return AgentIdentity.open({ settings: enrolment, ca, stateDirectory, log, now })
}

/** Waits for the running jobs within the grace period, then cancels them and waits for their always-run steps. */
async function drain({ registry, settings, queries, log }: JobDependencies): Promise<void> {
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
  await queries.ended()
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
