/** The scripts of a backup, in the order they run. The names are those of the files a DBA writes. */
export const backupStages = [
  'pre-backup-lock',
  'pre-backup-check',
  'backup',
  'backup-cleanup',
  'post-backup-unlock',
] as const
export type BackupStage = (typeof backupStages)[number]

/** The scripts of a restore in the published contract. */
export const publishedRestoreStages = ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock'] as const

/** The scripts of a restore, in the order they run. `check` and `drill-cleanup` run in restore drills alone. */
export const restoreStages = [
  'pre-restore-lock',
  'restore',
  'verify',
  'check',
  'restore-cleanup',
  'drill-cleanup',
  'post-restore-unlock',
] as const
export type RestoreStage = (typeof restoreStages)[number]

/** The script that lists what can be backed up. It belongs to no job. */
export const LIST_STAGE = 'list-items'

/** The script that says how well a node of a cluster suits for a job. It belongs to no job. */
export const ELECT_STAGE = 'elect'

/** The scripts that belong to no job, and change nothing. */
export const queryStages = [LIST_STAGE, ELECT_STAGE] as const
export type QueryStage = (typeof queryStages)[number]

export type Stage = BackupStage | RestoreStage | QueryStage

/** The scripts that a pack may have. */
export const stages: readonly Stage[] = [...backupStages, ...restoreStages, ...queryStages]

/** Stages that the published contract does not have: only scripts of form 2 have them, and need not. */
export const additionalStages: ReadonlySet<string> = new Set<Stage>([
  'verify',
  'check',
  'drill-cleanup',
  ...queryStages,
])

/** A job's field name for what a stage's script printed: `pre-backup-lock` is `pre_backup_lock_log`. */
export function stageLogField(stage: Stage, stream: 'log' | 'errorlog'): string {
  return `${stage.replaceAll('-', '_')}_${stream}`
}
