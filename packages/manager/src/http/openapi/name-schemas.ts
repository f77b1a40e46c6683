import * as legacy from '@osb-backup/protocol'
import * as v1 from '@osb-backup/protocol/v1'
import { z } from 'zod'
import * as composedLegacy from '../schemas/legacy.ts'
import { destinationSchema, policySchema } from '../schemas/v1.ts'

const names = {
  Agent: v1.agentSchema,
  AuditEntry: v1.auditEntrySchema,
  BrokerAccount: v1.brokerAccountSchema,
  Destination: destinationSchema,
  Instance: v1.instanceSchema,
  Job: v1.jobSchema,
  JobPart: v1.jobPartSchema,
  Plan: v1.planSchema,
  Policy: policySchema,
  Problem: v1.problemSchema,
  RestorePoint: v1.restorePointSchema,
  Token: v1.tokenSchema,
  LegacyAuditEntry: legacy.auditEntrySchema,
  LegacyBackupJob: composedLegacy.backupJobSchema,
  LegacyBackupPart: legacy.backupPartSchema,
  LegacyBackupPlan: composedLegacy.backupPlanSchema,
  LegacyBrokerAccount: legacy.brokerAccountSchema,
  LegacyFileDestination: composedLegacy.fileDestinationSchema,
  LegacyJob: composedLegacy.jobSchema,
  LegacyProblem: legacy.problemSchema,
  LegacyRestoreJob: composedLegacy.restoreJobSchema,
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
