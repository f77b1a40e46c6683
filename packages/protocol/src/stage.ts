/** The scripts of a backup, in the order they run. The names are those of the files a DBA writes. */
export const backupStages = [
  'pre-backup-lock',
  'pre-backup-check',
  'backup',
  'backup-cleanup',
  'post-backup-unlock',
] as const
export type BackupStage = (typeof backupStages)[number]

/** The scripts of a restore, in the order they run. */
export const restoreStages = ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock'] as const
export type RestoreStage = (typeof restoreStages)[number]

export type Stage = BackupStage | RestoreStage

/** A job's field name for what a stage's script printed: `pre-backup-lock` is `pre_backup_lock_log`. */
export function stageLogField(stage: Stage, stream: 'log' | 'errorlog'): string {
  return `${stage.replaceAll('-', '_')}_${stream}`
}
