import type { Generated } from 'kysely'
import type { AuditEntryTable, BrokerAccountTable, IdempotencyKeyTable, TokenTable } from './tables/access.ts'
import type { AlarmTable, DestinationCheckTable, ManagerReportTable, SharedTaskTable } from './tables/alarms.ts'
import type { BrokerBindingTable, BrokerInstanceTable, KeptFilesTable } from './tables/broker.ts'
import type { CloneTable } from './tables/clones.ts'
import type { DeregistrationTable } from './tables/deregistrations.ts'
import type { DrillPartTable, DrillStepTable, DrillTable, RestorableItemTable } from './tables/drills.ts'
import type {
  AgentTable,
  FileDestinationTable,
  InstanceAgentView,
  OtherAgentTable,
  ServiceInstanceTable,
} from './tables/instances.ts'
import type { JobCounterChangeTable, JobCounterTable, JobPartTable, JobTable, ManagerTable } from './tables/jobs.ts'
import type { MeasurementChangeTable, MeasurementLimitsTable, MeasurementTable } from './tables/measurements.ts'
import type { NotificationChannelTable, NotificationTable } from './tables/notifications.ts'
import type { BackupPlanTable, PlanRunTable } from './tables/plans.ts'
import type { PolicyCheckTable, PolicyExemptionTable, PolicyTable } from './tables/policies.ts'
import type {
  ObjectNameTable,
  ReconciliationTable,
  RestorePointCounterTable,
  RestorePointTable,
  StoredBytesTable,
} from './tables/restore-points.ts'
import type { ProvisionedInstanceTable, ServiceBrokerTable } from './tables/service-brokers.ts'
import type { CertificateAuthorityTable, ClockJumpTable, ClockObservationTable, SettingTable } from './tables/system.ts'

/** The tables as Kysely sees them; `migrations/` creates them. Columns named `sealed_…` hold what `Sealer` sealed. */
export interface Tables {
  agents: AgentTable
  service_instances: ServiceInstanceTable
  other_agents: OtherAgentTable
  instance_agents: InstanceAgentView
  file_destinations: FileDestinationTable
  backup_plans: BackupPlanTable
  plan_runs: PlanRunTable
  jobs: JobTable
  job_parts: JobPartTable
  managers: ManagerTable
  job_counters: JobCounterTable
  job_counter_changes: JobCounterChangeTable
  object_names: ObjectNameTable
  restore_points: RestorePointTable
  restore_point_counters: RestorePointCounterTable
  restore_point_counter_changes: RestorePointCounterTable & { id: Generated<string> }
  stored_bytes_by_day: StoredBytesTable
  stored_bytes_changes: StoredBytesTable & { id: Generated<string> }
  drills: DrillTable
  drill_parts: DrillPartTable
  drill_steps: DrillStepTable
  restorable_items: RestorableItemTable
  reconciliations: ReconciliationTable
  tokens: TokenTable
  broker_accounts: BrokerAccountTable
  audit_entries: AuditEntryTable
  idempotency_keys: IdempotencyKeyTable
  settings: SettingTable
  certificate_authorities: CertificateAuthorityTable
  clock_observations: ClockObservationTable
  clock_jumps: ClockJumpTable
  shared_tasks: SharedTaskTable
  manager_reports: ManagerReportTable
  alarms: AlarmTable
  destination_checks: DestinationCheckTable
  notification_channels: NotificationChannelTable
  notifications: NotificationTable
  service_brokers: ServiceBrokerTable
  provisioned_instances: ProvisionedInstanceTable
  clones: CloneTable
  measurements: MeasurementTable
  measurement_changes: MeasurementChangeTable
  measurement_limits: MeasurementLimitsTable
  broker_instances: BrokerInstanceTable
  broker_bindings: BrokerBindingTable
  kept_files: KeptFilesTable
  policies: PolicyTable
  policy_exemptions: PolicyExemptionTable
  policy_checks: PolicyCheckTable
  deregistrations: DeregistrationTable
}
