import type { ObjectStore } from '@osb-backup/storage'
import type { JobRecord } from '../jobs/job-record.ts'
import type { SecretMask } from '../masking.ts'
import { type RunningScript, startScript } from '../scripts/run-script.ts'
import { scriptArguments, scriptEnvironment } from '../scripts/script-environment.ts'
import type { ScriptPack } from '../scripts/script-pack.ts'
import type { AgentSettings } from '../settings.ts'
import type { JobDirectory } from './job-directory.ts'
import type { ObjectClaims } from './object-claim.ts'

/** All that the steps of one run need. */
export interface RunContext {
  job: JobRecord
  settings: AgentSettings
  pack: ScriptPack
  store: ObjectStore
  claims: ObjectClaims
  mask: SecretMask
  directory: JobDirectory
  /** Backup: the dump's name without its type. Restore: the name of the file. */
  filename: string
}

/** How a step ended. */
export interface StepEnd {
  ok: boolean
  /** Why it failed. */
  problem?: string
  stdout?: string
  stderr?: string
}

/** A step that failed before any script of it could print. */
export const failed = (problem: string): StepEnd => ({ ok: false, problem })

/** Starts the script of a stage with all that it is told. */
export function startStage(
  run: RunContext,
  stage: Parameters<typeof scriptEnvironment>[0],
  path: string,
  signal: AbortSignal,
  streams: { stdin?: 'stream'; stdout?: 'stream' } = {},
): RunningScript {
  const { settings, pack, mask } = run
  const { request } = run.job
  const place = { directory: run.directory.path, filename: run.filename }
  return startScript({
    path,
    arguments: pack.form === 1 ? scriptArguments(stage, request, run.filename) : [],
    environment: scriptEnvironment(stage, pack.form, request, place, settings.scriptBase),
    directory: pack.directory,
    timeLimitMs: settings.stageTimeLimitMs,
    killGraceMs: settings.killGraceMs,
    mask,
    signal,
    stdin: streams.stdin ?? 'empty',
    stdout: streams.stdout ?? 'log',
  })
}

/**
 * A signal for a transfer: the job's own, and the time limit of its stage. Where a script runs at the same time, its
 * own limit comes first and is the one that is reported.
 */
export function transferSignal(run: RunContext, signal: AbortSignal): AbortSignal {
  const { stageTimeLimitMs, killGraceMs } = run.settings
  return AbortSignal.any([signal, AbortSignal.timeout(stageTimeLimitMs + killGraceMs + 1000)])
}
