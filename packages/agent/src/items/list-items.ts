import { join } from 'node:path'
import { err, isDeclaredItem, ok, type Result } from '@osb-backup/core'
import { createDirectory, errorMessage } from '@osb-backup/node'
import { isSecretName, LIST_STAGE, NO_KEY } from '@osb-backup/protocol'
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
import { parseItems } from './parse-items.ts'

/** How many scripts list items at the same time. Each has a directory of its own, so that a restarted agent finds their processes. */
const PLACES = 4
/** Shorter than callers wait for an answer. */
const TIME_LIMIT_MS = 25_000
const MAX_OUTPUT_BYTES = 1024 * 1024

/** What the items are asked of. */
export interface ListRequest {
  /** Its name is not used. */
  database: DatabaseAccess
  parameters: readonly Parameter[]
  secretParameters: readonly string[]
}

/** Why there is no list. */
export interface ListFailure {
  code: 'items_not_supported' | 'job_limit' | 'stopping' | 'list_items_failed'
  message: string
}

/**
 * Runs the scripts `list-items`. They change nothing, so they are no jobs and not in the journal; what a crash left of them is ended
 * by the next start.
 */
export class ItemLists {
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
      await endProcesses(this.#scopeOf(place), this.#settings.killGraceMs)
      await removeJobDirectory(this.#directoryOf(place), this.#settings.scriptAccount)
    }
  }

  /** Resolves when no script runs any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }

  /** Lists what can be backed up, as the script of a pack prints it. */
  async list(pack: ScriptPack, request: ListRequest): Promise<Result<string[], ListFailure>> {
    const script = await findScript(pack, LIST_STAGE)
    if (!script.ok) return err({ code: 'list_items_failed', message: script.error })
    if (script.value === undefined) {
      return err({ code: 'items_not_supported', message: `These scripts have no ${LIST_STAGE}.` })
    }
    if (this.#stopping.aborted) return err({ code: 'stopping', message: 'The agent is stopping.' })
    const place = Array.from({ length: PLACES }, (_each, index) => index).find((index) => !this.#running.has(index))
    if (place === undefined) return err({ code: 'job_limit', message: `${PLACES} lists of items are made already.` })
    const listing = this.#run(place, pack, script.value, request)
    this.#running.set(place, listing)
    try {
      return await listing
    } catch (error) {
      return err({ code: 'list_items_failed', message: errorMessage(error) })
    } finally {
      this.#running.delete(place)
    }
  }

  async #run(
    place: number,
    pack: ScriptPack,
    path: string,
    { database, parameters, secretParameters }: ListRequest,
  ): Promise<Result<string[], ListFailure>> {
    const { scriptAccount: account, killGraceMs, stageTimeLimitMs, credentials } = this.#settings
    const directory = this.#directoryOf(place)
    const mask = new SecretMask([
      credentials?.password,
      database.password === NO_KEY ? undefined : database.password,
      database.backupPassword,
      ...parameters
        .filter(({ name }) => isSecretName(name) || secretParameters.includes(name))
        .map(({ value }) => value),
    ])
    const scope = this.#scopeOf(place)
    await removeJobDirectory(directory, account)
    await createDirectory(directory, 0o700)
    try {
      await handOver(directory, account)
      const { output, ended, stop } = await startScript({
        path,
        options: ['-o', 'pipefail'],
        arguments: [],
        environment: this.#environment(place, { database, parameters }),
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
          if (scope.cgroup !== undefined) moveInto(scope.cgroup, pid)
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
        return err({ code: 'list_items_failed', message: `${path} printed more than ${MAX_OUTPUT_BYTES} bytes` })
      }
      if (!isSuccess(end.outcome))
        return err({ code: 'list_items_failed', message: mask.mask(scriptFailure(path, end).problem) })
      await drained
      return this.#read(path, Buffer.concat(chunks))
    } finally {
      await removeJobDirectory(directory, account)
    }
  }

  #read(path: string, printed: Buffer): Result<string[], ListFailure> {
    const items = parseItems(printed)
    if (!items.ok) return err({ code: 'list_items_failed', message: `${path} ${items.error}` })
    const { allowedDatabases } = this.#settings
    return ok(
      allowedDatabases === undefined
        ? items.value
        : items.value.filter((item) => isDeclaredItem(item, allowedDatabases)),
    )
  }

  #environment(place: number, request: Pick<ListRequest, 'database' | 'parameters'>): Record<string, string> {
    const directory = this.#directoryOf(place)
    const dump = { filename: '', compress: false, encryptionKey: NO_KEY, directory, messages: messageFiles(directory) }
    const all = scriptEnvironment(LIST_STAGE, 2, { id: listId(place), ...request }, dump, this.#settings.scriptBase)
    const absent = ['BACKUP_DATABASE', 'BACKUP_FILENAME', 'BACKUP_COMPRESSION', 'BACKUP_METADATA', 'BACKUP_WARNINGS']
    return Object.fromEntries(Object.entries(all).filter(([name]) => !absent.includes(name)))
  }

  #directoryOf(place: number): string {
    return join(this.#settings.backupDirectory, listId(place))
  }

  #scopeOf(place: number) {
    const id = listId(place)
    const environment = processMarks({ kind: 'backup', id }, this.#directoryOf(place), [LIST_STAGE])
    const cgroup = this.#cgroups && stageCgroup(this.#cgroups, { kind: 'items', id }, LIST_STAGE)
    return { environment, ...(cgroup === undefined ? {} : { cgroup }) }
  }
}

/** Stands for the id of a job in the environment, and names its directory. No job has it: see `reservedIds`. */
const listId = (place: number): string => `.${LIST_STAGE}-${place}`

/** The ids that no job may have. */
export const listIds: readonly string[] = Array.from({ length: PLACES }, (_each, place) => listId(place))
