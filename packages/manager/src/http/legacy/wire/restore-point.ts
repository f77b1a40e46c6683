import type { RestorePoint as WirePoint } from '@osb-backup/protocol'
import type { RestorePoint } from '../../../restore-points/restore-point.ts'
import { instantToWire } from './instant.ts'

/** A restore point as clients read it. */
export function pointToWire(point: RestorePoint): WirePoint {
  return {
    id: point.id,
    service_instance_id: point.instanceId,
    backupPlanId: point.planId,
    backupJobId: point.jobId,
    fileDestinationId: point.destinationId,
    item: point.item,
    filenamePrefix: point.prefix,
    filename: point.filename,
    takenAt: instantToWire(point.takenAt),
    sizeBytes: point.sizeBytes,
    sha256: point.sha256,
    originalSizeBytes: point.originalSizeBytes,
    transformedBy: point.transformedBy,
    compressionRequested: point.compressionRequested,
    compression: point.compression,
    encrypted: point.encrypted,
    recipients: point.recipients,
    afterFailure: point.afterFailure,
    held: point.held,
    warnings: [...point.warnings],
    verification: point.verification && {
      at: instantToWire(point.verification.at),
      state: point.verification.state,
    },
    removal: point.removal && {
      requestedAt: instantToWire(point.removal.requestedAt),
      reason: point.removal.reason,
      attempts: point.removal.attempts,
      nextAttemptAt: instantToWire(point.removal.nextAttemptAt),
      error: point.removal.error,
    },
  }
}
