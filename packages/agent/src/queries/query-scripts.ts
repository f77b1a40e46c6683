import { join } from 'node:path'
import { err, ok, type Result, type RunKind } from '@osb-backup/core'
import { createDirectory, errorMessage } from '@osb-backup/node'
import { ELECT_STAGE, isSecretName, NO_KEY, type QueryStage, queryStages } from '@osb-backup/protocol'
import type { DatabaseAccess } from '../jobs/job-request.ts'
import { SecretMask } from '../masking.ts'
import { moveInto, stageCgroup } from '../scripts/cgroup.ts'
import { endProcesses } from '../scripts/end-processes.ts'
import { processMarks } from '../scripts/job-processes.ts'
import type { Parameter } from '../scripts/parameters.ts'
import { startScript } from '../scripts/run-script.ts'
import { scriptEnvironment } from '../scripts/script-environment.ts'
import { messageFiles } from '../scripts/script-messages.ts'
import { findScript, type ScriptPack } from '../scripts/script-pack.ts'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import { handOver, removeJobDirectory } from '../stages/job-directory.ts'

/** How many scripts run at the same time. Each has a directory of its own, so that a restarted agent finds their processes. */
const PLACES = 8
/** Shorter than callers wait for an answer. */
const TIME_LIMIT_MS = 25_000
const MAX_OUTPUT_BYTES = 1024 * 1024

/** What a script is asked about. */
export interface Query {
  /** Scripts get its name only if it has one. */
  database: DatabaseAccess
  parameters: readonly Parameter[]
  secretParameters: readonly string[]
  /** Of `elect`: what the node is to do. */
  kind?: RunKind
}

/** Why there is no answer. */
export interface QueryFailure {
  code: 'not_supported' | 'job_limit' | 'stopping' | 'script_failed'
  message: string
}

/** What a script printed, and its path, for messages. */
export interface Printed {
  path: string
  output: Buffer
}

/**
 * Runs the scripts that only answer questions. They change nothing, so they are no jobs and not in the journal; what a crash left of
 * them is ended by the next start.
 */
export class QueryScripts {
  readonly #settings: AgentSettings
  readonly #cgroups: string | undefined
  readonly #stopping: AbortSignal
  readonly #running = new Map<number, Promise<unknown>>()

  constructor(settings: AgentSettings, cgroups: string | undefined, stopping: AbortSignal) {
    this.#settings = settings
    this.#cgroups = cgroups
    this.#stopping = stopping
  }

  /** Ends the processes, and removes the directories, that an earlier agent left. */
  async endOrphans(): Promise<void> {
    for (let place = 0; place < PLACES; place++) {
      await endProcesses(this.#scopeOf(place, queryStages), this.#settings.killGraceMs)
      await removeJobDirectory(this.#directoryOf(place), this.#settings.scriptAccount)
    }
  }

  /** Resolves when no script runs any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }

  /** Runs a script of a pack, and returns what it printed. */
  async ask(stage: QueryStage, pack: ScriptPack, query: Query): Promise<Result<Printed, QueryFailure>> {
    const script = await findScript(pack, stage)
    if (!script.ok) return err({ code: 'script_failed', message: script.error })
    if (script.value === undefined) return err({ code: 'not_supported', message: `These scripts have no ${stage}.` })
    if (this.#stopping.aborted) return err({ code: 'stopping', message: 'The agent is stopping.' })
    const place = Array.from({ length: PLACES }, (_each, index) => index).find((index) => !this.#running.has(index))
    if (place === undefined) return err({ code: 'job_limit', message: `${PLACES} scripts are asked already.` })
    const running = this.#run(place, stage, pack, { path: script.value, query })
    this.#running.set(place, running)
    try {
      return await running
    } catch (error) {
      return err({ code: 'script_failed', message: errorMessage(error) })
    } finally {
      this.#running.delete(place)
    }
  }

  async #run(
    place: number,
    stage: QueryStage,
    pack: ScriptPack,
    { path, query }: { path: string; query: Query },
  ): Promise<Result<Printed, QueryFailure>> {
    const { scriptAccount: account, killGraceMs, stageTimeLimitMs } = this.#settings
    const directory = this.#directoryOf(place)
    const mask = this.#maskOf(query)
    const scope = this.#scopeOf(place, [stage])
    await removeJobDirectory(directory, account)
    await createDirectory(directory, 0o700)
    try {
      await handOver(directory, account)
      const { output, ended, stop } = await startScript({
        path,
        options: ['-o', 'pipefail'],
        arguments: [],
        environment: this.#environment(place, stage, query),
        directory: pack.directory,
        account,
        timeLimitMs: Math.min(TIME_LIMIT_MS, stageTimeLimitMs),
        killGraceMs,
        mask,
        signal: this.#stopping,
        scope,
        keepsBackground: false,
        stdin: 'empty',
        stdout: 'stream',
        beforeStart: async (pid) => {
          if (scope.cgroup !== undefined) await moveInto(scope.cgroup, pid)
        },
      })
      const chunks: Buffer[] = []
      let size = 0
      output?.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_OUTPUT_BYTES) stop()
        else chunks.push(Buffer.from(chunk))
      })
      const drained = new Promise<void>((resolve) => output?.once('close', () => resolve()))
      const end = await ended
      if (size > MAX_OUTPUT_BYTES) {
        return err({ code: 'script_failed', message: `${path} printed more than ${MAX_OUTPUT_BYTES} bytes` })
      }
      if (!isSuccess(end.outcome)) {
        return err({ code: 'script_failed', message: mask.mask(scriptFailure(path, end).problem) })
      }
      await drained
      return ok({ path, output: Buffer.concat(chunks) })
    } finally {
      await removeJobDirectory(directory, account)
    }
  }

  #maskOf({ database, parameters, secretParameters }: Query): SecretMask {
    return new SecretMask([
      this.#settings.credentials?.password,
      database.password === NO_KEY ? undefined : database.password,
      database.backupPassword,
      ...parameters
        .filter(({ name }) => isSecretName(name) || secretParameters.includes(name))
        .map(({ value }) => value),
    ])
  }

  #environment(place: number, stage: QueryStage, { kind, ...request }: Query): Record<string, string> {
    const directory = this.#directoryOf(place)
    const dump = { filename: '', compress: false, encryptionKey: NO_KEY, directory, messages: messageFiles(directory) }
    const all = scriptEnvironment(stage, 2, { id: queryId(place), ...request }, dump, this.#settings.scriptBase)
    const absent = ['BACKUP_FILENAME', 'BACKUP_COMPRESSION', 'BACKUP_METADATA', 'BACKUP_WARNINGS']
    if (stage !== ELECT_STAGE || request.database.name === '') absent.push('BACKUP_DATABASE')
    const given = Object.entries(all).filter(([name]) => !absent.includes(name))
    return Object.fromEntries(kind === undefined ? given : [...given, ['BACKUP_KIND', kind]])
  }

  #directoryOf(place: number): string {
    return join(this.#settings.backupDirectory, queryId(place))
  }

  #scopeOf(place: number, stages: readonly QueryStage[]) {
    const id = queryId(place)
    const environment = processMarks({ kind: 'backup', id }, this.#directoryOf(place), stages)
    const cgroup = this.#cgroups && stageCgroup(this.#cgroups, { kind: 'queries', id }, 'query')
    return { environment, ...(cgroup === undefined ? {} : { cgroup }) }
  }
}

/** Stands for the id of a job in the environment, and names its directory. No job has it: see `reservedIds`. */
const queryId = (place: number): string => `.query-${place}`

/** The ids that no job may have. */
export const queryIds: readonly string[] = Array.from({ length: PLACES }, (_each, place) => queryId(place))
