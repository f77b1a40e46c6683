import type { RunKind } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import {
  type AgentBackupRequest,
  type AgentDestination,
  type AgentDrill,
  type AgentRestoreRequest,
  type AgentTransforms,
  NO_KEY,
} from '@osb-backup/protocol'
import { stores } from '@osb-backup/storage'
import type { FileDestination } from '../destinations/destination.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import {
  agentJobId,
  type BackupJob,
  type PartAtAgent,
  prefixOfPlan,
  type ReservedPlace,
  type RestoreJob,
} from '../jobs/job.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { parametersToWire } from './agent-parameters.ts'

/** Where a part works: an instance as it is registered, at the host and port that the part has reserved. */
export interface WorkPlace extends Pick<ReservedPlace, 'host' | 'port'> {
  instance: ServiceInstance
}

/** The request that starts a part of a backup job at its agent. */
export function backupRequest(
  job: BackupJob,
  part: PartAtAgent,
  { objectName, ...plan }: { id: string; name?: string; objectName: string },
  place: WorkPlace,
  destination: FileDestination,
  recoveryRecipients: readonly string[],
): AgentBackupRequest {
  const { algorithm, level } = job.compressor
  return {
    id: agentJobId(job, part),
    ...packOf(place),
    compression: job.compression,
    compression_algorithm: algorithm,
    ...(level === undefined ? {} : { compression_level: level }),
    encryption_key: job.publicKey ?? NO_KEY,
    ...(recoveryRecipients.length === 0 ? {} : { recovery_recipients: [...recoveryRecipients] }),
    plan,
    object_name: objectName,
    destination: { ...destinationOf(destination), filenamePrefix: prefixOfPlan(plan.id) },
    backup: databaseOf(place, part.item),
  }
}

/** The request that starts a part of a restore job at its agent. */
export function restoreRequest(
  job: RestoreJob,
  part: PartAtAgent & { database: string },
  point: RestorePoint,
  place: WorkPlace,
  { destination, drill }: { destination: FileDestination; drill: AgentDrill | undefined },
): AgentRestoreRequest {
  return {
    id: agentJobId(job, part),
    ...omitUndefined({ drill }),
    ...packOf(place),
    compression: point.compressionRequested,
    encryption_key: job.privateKey ?? NO_KEY,
    destination: {
      ...destinationOf(destination),
      filenamePrefix: point.prefix,
      filename: point.filename,
      size: point.sizeBytes,
      ...omitUndefined({ sha256: point.sha256, root: point.root }),
      transforms: transformsOf(point),
    },
    restore: databaseOf(place, part.database, job.parameters),
  }
}

/** The request for what can be backed up. */
export function itemsRequest(place: WorkPlace): Pick<AgentBackupRequest, 'pack' | 'backup'> {
  const { database: _none, ...access } = databaseOf(place, '')
  return { ...packOf(place), backup: access }
}

/** The question how well the node of an agent suits for a job. */
export function electionRequest(
  place: WorkPlace,
  { kind, database, parameters }: { kind: RunKind; database?: string; parameters?: RestoreJob['parameters'] },
): AgentBackupRequest | AgentRestoreRequest {
  const { database: name, ...access } = databaseOf(place, database ?? '', parameters)
  return { ...packOf(place), [kind]: database === undefined ? access : { ...access, database: name } }
}

const packOf = ({ instance: { pack } }: WorkPlace) => (pack === undefined ? {} : { pack })

function transformsOf({ transformedBy: by, compression, encrypted }: RestorePoint): AgentTransforms {
  return by === 'agent' ? { by, compression, encrypted } : { by, compression: 'none', encrypted: false }
}

function databaseOf({ instance, host, port }: WorkPlace, database: string, parameters: RestoreJob['parameters'] = {}) {
  const { username = NO_KEY, password = NO_KEY, backupUsername, backupPassword } = instance.database
  return {
    serviceInstance: {
      service_instance_id: instance.id,
      service_id: instance.serviceId,
      plan_id: instance.planId,
      organization_guid: instance.organizationGuid,
      space_guid: instance.spaceGuid,
      parameters: instance.parameters,
      hosts: instance.hosts.map((each) => ({ ...each, backup: each.backup ?? false })),
    },
    host,
    port,
    username,
    password,
    ...(backupUsername === undefined ? {} : { backupUsername }),
    ...(backupPassword === undefined ? {} : { backupPassword }),
    database,
    type: 'AGENT',
    parameters: parametersToWire(instance.parameters, parameters),
    secret_parameters: secretParameterNames(instance),
  }
}

/** Agents mask what is named like a secret by themselves. */
function secretParameterNames({ parameters, secretParameters }: ServiceInstance): string[] {
  const declared = Object.entries(parameters).filter(([name]) => secretParameters.includes(name))
  const nested = parametersToWire(Object.fromEntries(declared), {}).flatMap((each) => Object.keys(each))
  return [...new Set([...secretParameters, ...nested])]
}

function destinationOf({ store, bandwidthLimitBytesPerSecond }: FileDestination): AgentDestination {
  const kind = stores.kindOf(store)
  return {
    type: kind.wireType,
    ...kind.agent.encode(store),
    ...(bandwidthLimitBytesPerSecond === undefined
      ? {}
      : { bandwidth_limit_bytes_per_second: bandwidthLimitBytesPerSecond }),
  }
}
