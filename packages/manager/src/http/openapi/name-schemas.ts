import * as legacy from '@osb-backup/protocol'
import * as v1 from '@osb-backup/protocol/v1'
import { z } from 'zod'

const names = {
  Agent: v1.agentSchema,
  AuditEntry: v1.auditEntrySchema,
  BrokerAccount: v1.brokerAccountSchema,
  Destination: v1.destinationSchema,
  Instance: v1.instanceSchema,
  Job: v1.jobSchema,
  JobPart: v1.jobPartSchema,
  Plan: v1.planSchema,
  Problem: v1.problemSchema,
  RestorePoint: v1.restorePointSchema,
  Token: v1.tokenSchema,
  LegacyAuditEntry: legacy.auditEntrySchema,
  LegacyBackupJob: legacy.backupJobSchema,
  LegacyBackupPart: legacy.backupPartSchema,
  LegacyBackupPlan: legacy.backupPlanSchema,
  LegacyBrokerAccount: legacy.brokerAccountSchema,
  LegacyFileDestination: legacy.fileDestinationSchema,
  LegacyJob: legacy.jobSchema,
  LegacyProblem: legacy.problemSchema,
  LegacyRestoreJob: legacy.restoreJobSchema,
  LegacyRestorePart: legacy.restorePartSchema,
  LegacyRestorePoint: legacy.restorePointSchema,
  LegacyServiceInstance: legacy.serviceInstanceSchema,
  LegacyToken: legacy.tokenSchema,
}

/** Gives the schemas that many operations share the names under which the document shows them, once. */
export function nameSchemas(): void {
  for (const [id, schema] of Object.entries(names)) {
    if (z.globalRegistry.get(schema)?.id !== id) z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id })
  }
}
