import { oneOf, wholeNumber } from '@osb-backup/node'

/** How long what accumulates is kept. */
export const historyTable = {
  JOB_HISTORY_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '365',
    description:
      'time in days that jobs are kept after their end; those with a stored restore point or a locked database are kept longer',
  },
  JOB_LOG_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '30',
    description: 'time in days that the output of scripts is kept after the end of a job',
  },
  AUDIT_HISTORY_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '730',
    description: 'time in days that audit entries are kept',
  },
  RUN_HISTORY_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '90',
    description: 'time in days that the records of scheduled runs, reconciliations and the growth of storage are kept',
  },
  DELETED_RESTORE_POINT_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '90',
    description: 'time in days that the records of restore points are kept after their objects were deleted',
  },
} as const

/** What protects restore points from being deleted too early. */
export const retentionTable = {
  RETENTION_CHANGE_GRACE_HOURS: {
    schema: wholeNumber(0, 8760),
    default: '24',
    description: 'time in hours after a change of its retention in which a plan deletes nothing',
  },
  DELETION_GRACE_HOURS: {
    schema: wholeNumber(0, 8760),
    default: '24',
    description:
      'time in hours that restore points which a caller deleted are kept and can be undeleted; those that retention expires are deleted at once',
  },
  SUSPICIOUS_SIZE_PERCENT: {
    schema: wholeNumber(0, 100),
    default: '10',
    description:
      'part of the median size of the last five dumps of an item, in percent, below which a dump is suspicious and replaces no other; 0 suspects none',
  },
  DEPROVISION_FILES: {
    schema: oneOf(['keep', 'delete']),
    default: 'keep',
    description: 'what happens to the files of an instance whose broker deletes its plans: keep or delete',
  },
  DEPROVISION_BACKUP_SECONDS: {
    schema: wholeNumber(0, 86_400),
    default: '0',
    description:
      'time limit in seconds of a final backup before that; if it fails the broker is refused; 0: none is taken',
  },
} as const
