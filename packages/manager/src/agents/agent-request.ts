import { type AgentBackupRequest, type AgentDestination, type AgentRestoreRequest, NO_KEY } from '@osb-backup/protocol'
import type { StoreSettings } from '@osb-backup/storage'
import { instanceToWire } from '../http/wire/service-instance.ts'
import { backupHost, type ServiceInstance } from '../instances/instance.ts'
import { agentJobId, type Job, type JobPart, prefixOfPlan } from '../jobs/job.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'

/** The request that starts a part of a backup job at its agent. */
export function backupRequest(
  job: Job,
  part: JobPart,
  planId: string,
  instance: ServiceInstance,
  store: StoreSettings,
): AgentBackupRequest {
  return {
    id: agentJobId(job, part),
    compression: job.compression,
    encryption_key: job.publicKey ?? NO_KEY,
    destination: { ...destinationOf(store), filenamePrefix: prefixOfPlan(planId) },
    backup: databaseOf(instance, part),
  }
}

/** The request that starts a part of a restore job at its agent. */
export function restoreRequest(
  job: Job,
  part: JobPart,
  point: RestorePoint,
  instance: ServiceInstance,
  store: StoreSettings,
): AgentRestoreRequest {
  return {
    id: agentJobId(job, part),
    compression: job.compression,
    encryption_key: job.privateKey ?? NO_KEY,
    destination: {
      ...destinationOf(store),
      filenamePrefix: point.prefix,
      filename: point.filename,
      size: point.sizeBytes,
      ...(point.sha256 === undefined ? {} : { sha256: point.sha256 }),
    },
    restore: databaseOf(instance, part),
  }
}

function databaseOf(instance: ServiceInstance, part: JobPart) {
  const { agent: _, ...serviceInstance } = instanceToWire(instance)
  const { username = NO_KEY, password = NO_KEY } = instance.database
  const host = backupHost(instance.hosts)
  return {
    serviceInstance,
    host: host.ip,
    port: host.port,
    username,
    password,
    database: part.database,
    type: 'AGENT',
    parameters: Object.entries(instance.parameters).map(([name, value]) => ({ [name]: value })),
  }
}

function destinationOf(store: StoreSettings): AgentDestination {
  switch (store.type) {
    case 's3':
      return {
        type: 'S3',
        endpoint: store.endpoint ?? '',
        region: store.region ?? '',
        bucket: store.bucket,
        authKey: store.accessKeyId,
        authSecret: store.secretAccessKey,
        skipSSL: store.plainHttp ?? false,
      }
    case 'swift':
      return {
        type: 'SWIFT',
        authUrl: store.authUrl,
        domain: store.domain,
        container_name: store.container,
        project_name: store.projectName,
        username: store.username,
        password: store.password,
      }
    case 'file':
      return { type: 'FILE', directory: store.directory }
  }
}
