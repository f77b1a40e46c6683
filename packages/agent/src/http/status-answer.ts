import type { Result } from '@osb-backup/core'
import { VERSION } from '@osb-backup/node'
import { type AgentStatus, DRILL_CAPABILITY, type LockedDatabase } from '@osb-backup/protocol'
import type { JobDependencies } from '../jobs/job-dependencies.ts'
import { currentStepOf, type JobRecord } from '../jobs/job-record.ts'
import { hasPendingUnlock, unlockAttempts } from '../jobs/pending-steps.ts'
import { describePacks, type ScriptPack } from '../scripts/script-pack.ts'
import type { AgentSettings, TransferSettings } from '../settings/agent-settings.ts'
import { diskOf } from '../stages/disk-space.ts'
import { timestamp } from './timestamp.ts'

/** The capabilities of this agent beyond the published protocol. */
const capabilities = [
  'cancel',
  'progress',
  'sha256',
  'root',
  'destination.endpoint',
  'destination.directory',
  'destination.ca_certificate',
  'destination.bandwidth_limit_bytes_per_second',
  'stage_timeout_seconds',
  'object_name',
  'metrics',
  'one_job_per_database',
  'unlock_retries',
  'items',
  'elections',
  'packs',
  DRILL_CAPABILITY,
] as const
/** How it transforms dumps, unless scripts of form 1 do that. */
const transforms = ['compression.zstd', 'compression.gzip', 'encryption.age', 'recovery_recipients'] as const

/** The certificate of an enrolled agent. */
export interface CertificateStatus {
  readonly expiresAt: Date
  readonly renewalProblem: string | undefined
}

/** The answer to `GET /status`. The message is the published one; the other fields are additions. */
export async function statusAnswer(
  pack: Result<ScriptPack>,
  { registry, settings }: Pick<JobDependencies, 'registry' | 'settings'>,
  certificate?: CertificateStatus,
): Promise<AgentStatus> {
  const jobs = registry.running().map(({ record }) => ({
    kind: record.request.kind,
    id: record.request.id,
    state: currentStepOf(record) ?? '',
    start_time: timestamp(record.startedAt),
  }))
  const disks = await disksOf(settings)
  return {
    message: 'Client is running',
    version: VERSION,
    time: new Date().toISOString(),
    ...scriptFields(pack),
    packs: await describePacks(settings),
    capabilities: capabilitiesOf(pack, settings.transfers),
    accepts_jobs: registry.closure === undefined,
    ...(registry.closure === undefined ? {} : { accepts_no_jobs_because: registry.closure }),
    ...(registry.startProblem === undefined ? {} : { start_problem: registry.startProblem }),
    running_jobs: jobs,
    locked_databases: registry.locked().map(({ record }) => lockedDatabase(record)),
    max_job_number: settings.maxJobs,
    reserved_restore_number: settings.reservedRestores,
    free_disk_bytes: disks.free,
    disk_size_bytes: disks.size,
    ...(certificate === undefined ? {} : certificateFields(certificate)),
  }
}

function certificateFields({ expiresAt, renewalProblem }: CertificateStatus): Record<string, unknown> {
  const problem = renewalProblem === undefined ? {} : { certificate_renewal_problem: renewalProblem }
  return { certificate_expires_at: timestamp(expiresAt), ...problem }
}

function lockedDatabase(job: JobRecord): LockedDatabase {
  const { kind, id, database } = job.request
  return {
    kind,
    id,
    host: database.host,
    database: database.name,
    locked_since: timestamp(job.lockedSince ?? job.startedAt),
    unlock_attempts: hasPendingUnlock(job) ? unlockAttempts(job) : 0,
  }
}

/** The file systems of its directories, by the setting that names the directory; without those that cannot be determined. */
export async function disksOf(
  settings: Pick<AgentSettings, 'backupDirectory' | 'restoreDirectory'>,
): Promise<{ free: Record<string, number>; size: Record<string, number> }> {
  const directories = { directory_backup: settings.backupDirectory, directory_restore: settings.restoreDirectory }
  const disks = { free: {} as Record<string, number>, size: {} as Record<string, number> }
  for (const [name, path] of Object.entries(directories)) {
    const disk = await diskOf(path).catch(() => undefined)
    if (disk === undefined) continue
    disks.free[name] = disk.freeBytes
    disks.size[name] = disk.sizeBytes
  }
  return disks
}

function scriptFields(pack: Result<ScriptPack>): Record<string, unknown> {
  if (!pack.ok) return { scripts: { problem: pack.error } }
  if (pack.value.form === 1) return { scripts: { form: 1 } }
  const { name, type } = pack.value
  return { scripts: { form: 2, name, type } }
}

function capabilitiesOf(pack: Result<ScriptPack>, { transformsFiles, writesManifests }: TransferSettings): string[] {
  const isStreaming = pack.ok && pack.value.form === 2
  return [
    ...capabilities,
    ...(writesManifests ? ['manifest'] : []),
    ...(isStreaming ? ['stream'] : []),
    ...(isStreaming || transformsFiles ? transforms : []),
  ]
}
