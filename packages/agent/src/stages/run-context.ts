import { errorMessage, withDeadline } from '@osb-backup/node'
import type { AgentFailureCode, BackupStage, RestoreStage } from '@osb-backup/protocol'
import type { ObjectStore } from '@osb-backup/storage'
import { stores } from '@osb-backup/storage/kinds'
import { isAlwaysRun, type JobRecord } from '../jobs/job-record.ts'
import type { SecretMask } from '../masking.ts'
import { moveInto, stageCgroup } from '../scripts/cgroup.ts'
import { processMarks } from '../scripts/job-processes.ts'
import { identify } from '../scripts/process-identity.ts'
import { type RunningScript, startScript } from '../scripts/run-script.ts'
import { type DescribedDump, scriptArguments, scriptEnvironment } from '../scripts/script-environment.ts'
import type { ScriptPack } from '../scripts/script-pack.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import type { JobDirectory } from './job-directory.ts'
import type { ObjectClaims } from './object-claim.ts'

/** The context of the steps of one job. */
export interface RunContext {
  job: JobRecord
  settings: AgentSettings
  pack: ScriptPack
  store: ObjectStore
  claims: ObjectClaims
  mask: SecretMask
  directory: JobDirectory
  /** Backup: the dump's name without its type. Restore: the name of the object. */
  filename: string
  /** How the dump is described to scripts. */
  dump: DescribedDump
  /** Where cgroups for scripts are created, if that is permitted. */
  cgroups: string | undefined
  /** Resolves when the job, as it is now, would survive a crash. */
  save(): Promise<void>
  /** The clock. */
  now: () => Date
}

/** How a step ended. */
export interface StepResult {
  ok: boolean
  /** It has no script: nothing ran. */
  isSkipped?: boolean
  /** Why it failed. */
  problem?: string
  /** The same for programs, where it may be over at another attempt. */
  failureCode?: AgentFailureCode
  stdout?: string
  stderr?: string
}

/** A step that failed before its script printed anything. */
export const failed = (problem: string): StepResult => ({ ok: false, problem })

/**
 * Starts the script of a stage with its environment and arguments.
 *
 * @param streams - `variables` are added to the environment.
 */
export function startStage(
  run: RunContext,
  stage: BackupStage | RestoreStage,
  path: string,
  signal: AbortSignal,
  streams: { stdin?: 'stream'; stdout?: 'stream'; variables?: Readonly<Record<string, string>> } = {},
): Promise<RunningScript> {
  const { settings, pack, mask } = run
  const { request } = run.job
  const { directory, dump } = run
  const cgroup = run.cgroups === undefined ? undefined : stageCgroup(run.cgroups, request, stage)
  return startScript({
    path,
    options: pack.form === 2 ? ['-o', 'pipefail'] : [],
    arguments: pack.form === 1 ? scriptArguments(stage, request, dump) : [],
    environment: {
      ...scriptEnvironment(
        stage,
        pack.form,
        request,
        { ...dump, directory: directory.path, messages: directory.messages },
        { ...settings.scriptBase, ...(pack.form === 1 ? inheritedVariables(run) : {}) },
      ),
      ...streams.variables,
    },
    directory: pack.directory,
    account: settings.scriptAccount,
    timeLimitMs: stageTimeLimitMs(run),
    killGraceMs: settings.killGraceMs,
    mask,
    signal,
    scope: { environment: processMarks(request, directory.path, [stage]), ...(cgroup === undefined ? {} : { cgroup }) },
    keepsBackground: stage === 'pre-backup-lock' || stage === 'pre-restore-lock',
    workDirectory: stage === 'backup' || stage === 'restore' ? directory.path : undefined,
    stdin: streams.stdin ?? 'empty',
    stdout: streams.stdout ?? 'log',
    async beforeStart(pid) {
      // Where that is not permitted, its processes are found by their environment.
      const moved = cgroup === undefined ? undefined : moveInto(cgroup, pid)
      run.job.process = identify(pid)
      try {
        await run.save()
      } catch (error) {
        // A script that could not be remembered over a crash does not start, unless its step must always run.
        if (!isAlwaysRun(stage)) throw new Error(`the state of the job cannot be saved: ${errorMessage(error)}`)
      } finally {
        await moved
      }
    },
  })
}

/**
 * What old scripts inherited from the Go agent, of whose environment nothing else is theirs, and for those that store dumps
 * themselves where to.
 */
function inheritedVariables({ settings, pack, job: { request } }: RunContext): Record<string, string> {
  return {
    directory_backup: settings.backupDirectory,
    directory_restore: settings.restoreDirectory,
    scripts_path: pack.directory,
    ...(request.skipStorage
      ? stores.kindOf(request.store).agent.scriptVariables(request.store, request.namePrefix)
      : {}),
  }
}

/** The time limit of each stage of this job: that of the request, up to the agent's own. */
export function stageTimeLimitMs({ settings, job }: Pick<RunContext, 'settings' | 'job'>): number {
  return Math.min(settings.stageTimeLimitMs, job.request.stageTimeLimitMs ?? settings.stageTimeLimitMs)
}

/**
 * Transfers within the time limit of a stage: `transfer` gets a signal that aborts with that of the job, and at the limit. If a script
 * runs at the same time, its own limit fires first and is the one that is reported.
 */
export function withinTimeLimit(
  run: RunContext,
  signal: AbortSignal,
  transfer: (signal: AbortSignal) => Promise<StepResult>,
): Promise<StepResult> {
  const limitMs = stageTimeLimitMs(run) + run.settings.killGraceMs + 1000
  return withDeadline(signal, limitMs, (deadline) => transfer(deadline.signal))
}
