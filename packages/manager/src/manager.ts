import { SettingsError, VERSION } from '@osb-backup/node'
import { startTracing } from '@osb-backup/node/tracing'
import type { Logger } from 'pino'
import { AgentConnections, openAgentFiles } from './agents/agent-connections.ts'
import type { Context } from './context/context.ts'
import { createLog } from './context/log.ts'
import { openData } from './context/open-data.ts'
import { CredHub } from './credentials/credhub.ts'
import { JobChanges } from './database/notifications.ts'
import { buildApp, closeApp } from './http/app.ts'
import { readyRoute } from './http/health.ts'
import { legacyRoutes } from './http/legacy/routes.ts'
import { metricsRoutes } from './http/metrics.ts'
import { checkPlainHttp, followCertificate, openTls } from './http/tls.ts'
import { v1Routes } from './http/v1/routes.ts'
import { brokerRoutes } from './http/v2/routes.ts'
import type { ManagerSettings } from './settings/settings.ts'
import { ManagerClock } from './shared/manager-clock.ts'
import { ProcessMetrics } from './shared/process-metrics.ts'
import { ensureAdminToken } from './tokens/service.ts'
import { Workers } from './workers/workers.ts'

/** A manager that runs. */
export interface RunningManager {
  /** Where the API answers, without a slash at the end. */
  url: string
  /** Set if this start created the admin token: it and the file that holds it. */
  firstToken: { token: string; path: string } | undefined
  /** Set if this start created the sealing key: the file that holds it. */
  newKeyPath: string | undefined
  /** Unlocks its jobs, finishes open requests, and stops. Jobs continue at their agents. */
  stop(): Promise<void>
  /** Asks the embedded PostgreSQL to stop without waiting for it: for callers that cannot wait for `stop`. */
  stopDatabase(): Promise<void>
}

/**
 * Starts a manager: database, API and workers in this process.
 *
 * @param onFatal - Called when it cannot continue: its embedded database was lost. It should exit.
 * @param signal - Ends the start, which then rejects.
 * @throws {SettingsError} If a setting cannot be used.
 */
export async function startManager(
  settings: ManagerSettings,
  onFatal: (error: Error) => void,
  signal: AbortSignal,
): Promise<RunningManager> {
  const log = createLog(settings.logLevel)
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    checkPlainHttp(settings, log)
    if (settings.otelExporterOtlpEndpoint !== undefined) stops.push(await startExport(settings, log))
    const tls = await openTls(settings)
    const agentFiles = await openAgentFiles(settings, log)
    stops.push(() => agentFiles.close())
    const credHub = settings.credHub && (await CredHub.open(settings.credHub, log))
    if (credHub !== undefined) stops.push(() => credHub.close())
    const processMetrics = new ProcessMetrics()
    const onCall = processMetrics.databaseCalled
    const data = await openData(settings, { as: 'manager', onLost: onFatal, onCall, signal }, log, stops)
    const { connection, database, sealer, newKeyPath, stopDatabase } = data
    signal.throwIfAborted()
    const agentConnections = new AgentConnections(agentFiles, { database, sealer, log, settings })
    stops.push(() => agentConnections.close())
    const jobChanges = await JobChanges.start(connection, log)
    stops.push(() => jobChanges.stop())
    const context: Context = {
      settings,
      database,
      sealer,
      log,
      clock: new ManagerClock(),
      agentConnections,
      credHub,
      jobChanges,
      processMetrics,
      wakeWorkers: () => workers.wake(),
    }
    const workers = new Workers(context)
    const firstToken = await ensureAdminToken(context)
    const routes = [v1Routes, legacyRoutes, brokerRoutes, metricsRoutes, readyRoute(() => workers.hasLease)]
    const app = await buildApp(context, routes, tls?.files)
    const url = await app.listen({ host: settings.host, port: settings.port }).catch((cause: NodeJS.ErrnoException) => {
      throw new SettingsError(`HOST and PORT cannot be listened on: ${cause.message}.`, { cause })
    })
    stops.push(() => closeApp(app))
    if (tls !== undefined) stops.push(followCertificate(app, tls, log))
    // Stopped before the API closes, which may take a while: no job is claimed any more, and others may claim those that run.
    stops.push(await workers.startPools({ isAlone: settings.databaseUrl === undefined }))
    stops.push(workers.startTasks())
    return { url, firstToken, newKeyPath, stop, stopDatabase }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Exports what is traced. */
function startExport(settings: ManagerSettings, log: Logger): Promise<() => Promise<void>> {
  return startTracing({
    serviceName: 'osb-backup-manager',
    version: VERSION,
    sampleRatio: settings.otelTracesSamplerArg,
    warn: (message) => log.warn({ reason: message }, 'traces are not exported'),
  })
}
