import { access, constants, mkdir, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { messageOf } from './checked.ts'
import { buildServer } from './http/server.ts'
import { JobRegistry } from './jobs/job-registry.ts'
import { readPack } from './scripts/script-pack.ts'
import { type AgentSettings, SettingsError } from './settings.ts'
import { ObjectClaims } from './stages/object-claim.ts'

/** An agent that listens. */
export interface Agent {
  /** Where it is reached from this machine: `http://127.0.0.1:8000`. */
  url: string
  port: number
  /** Starts no new jobs, cancels the running ones, lets them clean up and unlock, and closes. */
  stop(): Promise<void>
}

/**
 * Starts an agent.
 *
 * @throws {SettingsError} If a directory or the port that the settings name cannot be used.
 */
export async function startAgent(settings: AgentSettings): Promise<Agent> {
  const log = pino({ level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime })
  await openDirectory('directory_backup', settings.backupDirectory)
  await openDirectory('directory_restore', settings.restoreDirectory)
  await checkScripts(settings, log)
  const registry = new JobRegistry(settings.maxJobs)
  const server = buildServer({ settings, registry, claims: new ObjectClaims(), log, now: () => new Date() })
  await server.listen({ host: settings.host, port: settings.port }).catch((cause: Error) => {
    throw new SettingsError(`client_host and client_port cannot be listened on: ${cause.message}.`, { cause })
  })
  const { port } = server.server.address() as AddressInfo
  log.info({ host: settings.host, port }, 'agent listens')
  return {
    url: `http://${urlHost(settings.host)}:${port}`,
    port,
    async stop() {
      registry.close()
      log.info({ running: registry.running().length }, 'agent stops')
      const running = registry.running()
      for (const job of running) job.cancel.abort()
      await Promise.all(running.map((job) => job.run))
      await server.close()
    },
  }
}

/** The host for a URL: what listens on all addresses is reached on this machine's own. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

async function openDirectory(setting: string, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new SettingsError(`${setting} is not a directory that can be written: ${messageOf(error)}.`)
  }
}

/** A wrong pack stops the start. A default path without scripts does not: they may be put there later. */
async function checkScripts(settings: AgentSettings, log: pino.Logger): Promise<void> {
  const { scriptsPath, scriptsPathChosen } = settings
  const found = await stat(scriptsPath).catch(() => undefined)
  if (!found?.isDirectory()) {
    if (scriptsPathChosen) throw new SettingsError(`scripts_path is not a directory: ${scriptsPath}.`)
    log.warn({ scripts_path: scriptsPath }, 'there are no scripts yet')
    return
  }
  const pack = await readPack(scriptsPath)
  if (!pack.ok) throw new SettingsError(`scripts_path holds a wrong pack: ${pack.problem}.`)
}
