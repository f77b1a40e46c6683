import { isItemPattern } from '@osb-backup/core'
import {
  type BackupPlanRequest,
  MASKED_SECRET,
  NO_KEY,
  type BackupPlan as WirePlan,
  type BackupPlanPreview as WirePreview,
} from '@osb-backup/protocol'
import type { FileDestination } from '../../../destinations/destination.ts'
import type { ServiceInstance } from '../../../instances/instance.ts'
import { type BackupPlan, type Compressor, DEFAULT_RETRIES } from '../../../plans/plan.ts'
import type { PlanPreview } from '../../../plans/preview.ts'
import type { NewPlan } from '../../../plans/service.ts'
import { destinationToWire } from './file-destination.ts'
import { instantInZone, instantToWire } from './instant.ts'
import { keptKey } from './secret.ts'
import { instanceToWire } from './service-instance.ts'

/** A plan as clients read it: whole, with its instance and destination, the private key masked. */
export function planToWire(plan: BackupPlan, instance: ServiceInstance, destination: FileDestination): WirePlan {
  return {
    id: plan.id,
    idAsString: plan.id,
    name: plan.name,
    serviceInstance: instanceToWire(instance),
    fileDestination: destinationToWire(destination, instance),
    paused: plan.paused,
    compression: plan.compression,
    compressionAlgorithm: plan.compressor.algorithm,
    compressionLevel: plan.compressor.level,
    frequency: plan.frequency,
    timezone: plan.timezone,
    retentionStyle: legacyStyle(plan.retention.style),
    retentionPeriod: plan.retention.period,
    items: plan.items,
    privateKey: plan.privateKey === undefined ? NO_KEY : MASKED_SECRET,
    publicKey: plan.publicKey ?? NO_KEY,
    nextRunAt: plan.nextRunAt && instantToWire(plan.nextRunAt),
    retentionCountsFrom: plan.retentionCountsFrom && instantToWire(plan.retentionCountsFrom),
  }
}

/** Reads a plan as clients send it; what is absent keeps the value of `stored`, or takes the default. */
export function planFromWire(wire: BackupPlanRequest, stored: BackupPlan | undefined): NewPlan {
  return {
    instanceId: stored?.instanceId ?? wire.serviceInstance.service_instance_id,
    destinationId: wire.fileDestination.id,
    name: wire.name,
    paused: wire.paused ?? stored?.paused ?? false,
    compression: wire.compression ?? stored?.compression ?? true,
    compressor: compressorFromWire(wire, stored?.compressor),
    frequency: wire.frequency,
    timezone: wire.timezone ?? stored?.timezone ?? 'UTC',
    retention: retentionFromWire(wire, stored?.retention),
    items: wire.items,
    excludedItems: wire.items.some(isItemPattern) ? (stored?.excludedItems ?? []) : [],
    publicKey: keptKey(wire.publicKey, stored?.publicKey),
    privateKey: keptKey(wire.privateKey, stored?.privateKey),
    rpoSeconds: stored?.rpoSeconds,
    retries: stored?.retries ?? DEFAULT_RETRIES,
    label: stored?.label,
    parallelItems: stored?.parallelItems ?? 1,
  }
}

/** Clients of the first API know no generations: they see that more is kept than the newest. */
const legacyStyle = (style: BackupPlan['retention']['style']) => (style === 'GFS' ? 'ALL' : style)

/** What a client shows, and sends back, is no change. */
function retentionFromWire(
  { retentionStyle: style, retentionPeriod: period }: BackupPlanRequest,
  stored: BackupPlan['retention'] | undefined,
): BackupPlan['retention'] {
  if (stored?.style === 'GFS' && style === 'ALL') return stored
  return { style, period: period ?? stored?.period ?? 1 }
}

/** A stored level is one of the stored algorithm, and goes with it. */
function compressorFromWire(
  { compressionAlgorithm, compressionLevel }: BackupPlanRequest,
  stored: Compressor | undefined,
): Compressor {
  const algorithm = compressionAlgorithm ?? stored?.algorithm ?? 'zstd'
  return { algorithm, level: compressionLevel ?? (algorithm === stored?.algorithm ? stored.level : undefined) }
}

/** A preview as clients read it, with instants in the time zone of the plan. */
export function previewToWire(preview: PlanPreview): WirePreview {
  const { timezone, runs, shortestIntervalSeconds, runsKept, restorePoints } = preview
  const inZone = (instant: Date) => instantInZone(instant, timezone)
  return {
    timezone,
    shortestIntervalSeconds,
    runs: runs.map(inZone),
    ...(runsKept && { runsKept: runsKept.map(inZone) }),
    ...(restorePoints && {
      restorePoints: restorePoints.map(({ point, keptBecause }) => ({
        id: point.id,
        item: point.item,
        takenAt: inZone(point.takenAt),
        kept: keptBecause.length > 0,
      })),
    }),
  }
}
