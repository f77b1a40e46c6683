import {
  auditEntrySchema,
  backupJobSchema,
  backupPartSchema,
  backupPlanSchema,
  brokerAccountSchema,
  fileDestinationSchema,
  jobSchema,
  problemSchema,
  restoreJobSchema,
  restorePartSchema,
  restorePointSchema,
  serviceInstanceSchema,
  tokenSchema,
} from '@osb-backup/protocol'
import { z } from 'zod'

const names = {
  AuditEntry: auditEntrySchema,
  BackupJob: backupJobSchema,
  BackupPart: backupPartSchema,
  BackupPlan: backupPlanSchema,
  BrokerAccount: brokerAccountSchema,
  FileDestination: fileDestinationSchema,
  Job: jobSchema,
  Problem: problemSchema,
  RestoreJob: restoreJobSchema,
  RestorePart: restorePartSchema,
  RestorePoint: restorePointSchema,
  ServiceInstance: serviceInstanceSchema,
  Token: tokenSchema,
}

/** Gives the schemas that many operations share the names under which the document shows them, once. */
export function nameSchemas(): void {
  for (const [id, schema] of Object.entries(names)) {
    if (z.globalRegistry.get(schema)?.id !== id) z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id })
  }
}
