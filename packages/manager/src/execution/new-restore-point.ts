import { ageKeys } from '@osb-backup/core'
import type { AgentJob } from '@osb-backup/protocol'
import type { BackupJob } from '../jobs/job.ts'
import type { NewRestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { StoredDump } from './stored-dump.ts'

/** A part whose dump is stored. */
interface StoredPart {
  job: BackupJob
  part: { item: string; begunAt: Date; agentStatus: AgentJob | undefined }
  dump: StoredDump
  /** The part failed after its dump was stored. */
  afterFailure: boolean
  recordedAt: Date
  /** Public keys that every encrypted dump is encrypted to as well. */
  recoveryRecipients: readonly string[]
}

/** The restore point of a part. */
export function newRestorePoint(stored: StoredPart): NewRestorePoint {
  const { job, part, dump, afterFailure, recordedAt, recoveryRecipients } = stored
  return {
    id: newIdentifier(recordedAt),
    jobId: job.id,
    planId: job.planId,
    instanceId: job.instanceId,
    destinationId: job.destinationId,
    item: part.item,
    ...dump,
    ...transformsOfPoint(job, part.agentStatus, recoveryRecipients),
    takenAt: part.begunAt,
    afterFailure,
    warnings: part.agentStatus?.warnings ?? [],
  }
}

/**
 * How a dump was transformed, as its agent reports it: nothing follows from a file's name, which scripts choose. An agent that
 * reports nothing is one that stores what its scripts leave.
 */
function transformsOfPoint(
  { compression: compressionRequested, publicKey }: BackupJob,
  agentStatus: AgentJob | undefined,
  recoveryRecipients: readonly string[],
): Pick<NewRestorePoint, 'transformedBy' | 'compressionRequested' | 'compression' | 'encrypted' | 'recipients'> {
  const transforms = agentStatus?.transforms
  if (transforms?.by !== 'agent') {
    const encrypted = publicKey !== undefined
    return { transformedBy: 'script', compressionRequested, compression: 'none', encrypted, recipients: [] }
  }
  const { compression, encrypted } = transforms
  const recipients = encrypted ? [...ageKeys(publicKey ?? ''), ...recoveryRecipients] : []
  return { transformedBy: 'agent', compressionRequested, compression, encrypted, recipients }
}
