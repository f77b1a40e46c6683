import { type AgentUnderTest, backupBody } from './agent-under-test.ts'

const logs = (stages: string[]) =>
  Object.fromEntries(
    stages.flatMap((stage) => [
      [`${stage}_log`, ''],
      [`${stage}_errorlog`, ''],
    ]),
  )
/** The log fields of a backup that has run no script. */
export const backupLogs = logs([
  'pre_backup_lock',
  'pre_backup_check',
  'backup',
  'backup_cleanup',
  'post_backup_unlock',
])
/** The same of a restore. */
export const restoreLogs = logs(['pre_restore_lock', 'restore', 'restore_cleanup', 'post_restore_unlock'])

/** A destination in a store that does not answer. */
export const s3 = {
  type: 'S3',
  endpoint: 'http://127.0.0.1:1',
  region: '',
  bucket: 'b',
  authKey: 'k',
  authSecret: 's',
  filenamePrefix: 'p/',
}

/** A request of a backup with other fields of its database. */
export const withDatabase = (under: AgentUnderTest, changes: object) => {
  const body = backupBody(under, 'x')
  return { ...body, backup: { ...body.backup, ...changes } }
}
