import type { Context } from './context/context.ts'
import { makeLog } from './context/log.ts'
import { openData } from './context/open-data.ts'
import { JobChanges } from './database/notifications.ts'
import { buildApp } from './http/app.ts'
import type { App } from './http/typed-app.ts'
import { tallyChore } from './jobs/counters-repository.ts'
import { SettingError } from './settings/setting-error.ts'
import type { ManagerSettings } from './settings/settings.ts'
import { ensureAdminToken } from './tokens/repository.ts'
import { JobRunner } from './workers/job-worker-pool.ts'
import { startChores } from './workers/periodic-task.ts'
import { retentionChores } from './workers/retention.ts'
import { scheduleChores } from './workers/scheduler.ts'

/** How long what is being asked when the manager ends may take. */
const CLOSE_GRACE_MS = 5000

/** A manager that runs. */
export interface RunningManager {
  /** Where the API answers, without a slash at the end. */
  url: string
  /** Set if this start made the admin token: it and the file that keeps it. */
  firstToken: { token: string; path: string } | undefined
  /** Set if the sealing key was made by this start: the file that keeps it. */
  newKeyPath: string | undefined
  /** Lets go of its jobs, answers what is being asked, and ends. Jobs go on at their agents. */
  stop(): Promise<void>
  /** Tells the embedded PostgreSQL to end, and does not wait for it: for whoever cannot wait for `stop`. */
  endDatabase(): Promise<void>
}

/**
 * Starts a manager: database, API and job runner in this process.
 *
 * @param onFatal - Called when it cannot go on: its embedded database was lost. It should exit.
 * @throws {SettingError} If a setting cannot be used.
 */
export async function startManager(
  settings: ManagerSettings,
  onFatal: (error: Error) => void,
): Promise<RunningManager> {
  const log = makeLog(settings.logLevel)
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const data = await openData(settings, { as: 'manager', onLost: onFatal }, log, stops)
    const { connection, database, sealer, newKeyPath, endDatabase } = data
    const context: Context = {
      settings,
      database,
      sealer,
      log,
      wakeRunner: () => runner.wake(),
      now: () => new Date(),
    }
    const runner = new JobRunner(context)
    const firstToken = await ensureAdminToken(context)
    const changes = new JobChanges(connection, log)
    stops.push(() => changes.stop())
    const app = await buildApp(context, changes)
    const url = await app.listen({ host: settings.host, port: settings.port }).catch((cause: NodeJS.ErrnoException) => {
      throw new SettingError(`HOST and PORT cannot be listened on: ${cause.message}.`, { cause })
    })
    stops.push(() => closeApp(app))
    await runner.start({ isAlone: settings.databaseUrl === undefined })
    // Before the API closes, which may take a while: no job is taken any more, and others may have those that run.
    stops.push(() => runner.stop())
    stops.push(startChores(context, [...scheduleChores, ...retentionChores, tallyChore]))
    return { url, firstToken, newKeyPath, stop, endDatabase }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Answers what is being asked, for a while; then whoever still sends or reads is cut off. */
async function closeApp(app: App): Promise<void> {
  const cutOff = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS)
  try {
    await app.close()
  } finally {
    clearTimeout(cutOff)
  }
}
