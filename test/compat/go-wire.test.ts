import { expect, test } from 'vitest'
import { encodeJob, goFilename, zeroJob } from './go-wire.ts'

const logs = (...stages: string[]) => stages.map((stage) => `"${stage}_log":"","${stage}_errorlog":""`).join(',')
const backupLogs = logs('pre_backup_lock', 'pre_backup_check', 'backup', 'backup_cleanup', 'post_backup_unlock')
const restoreLogs = logs('pre_restore_lock', 'restore', 'restore_cleanup', 'post_restore_unlock')

test('right after 201: Running in mixed case, and a size without a unit', () => {
  expect(encodeJob('backup', 'develop', zeroJob('Running'))).toBe(
    `{"status":"Running","message":"","state":"","type":"","compression":false,"skip_storage":false,"skipSSL":false,"filename":"","filenamePrefix":"","filesize":{"size":0,"unit":""},"start_time":"","end_time":"","execution_time_ms":0,${backupLogs}}\n`,
  )
  expect(encodeJob('backup', 'master', zeroJob('Running'))).toBe(
    `{"status":"Running","message":"","state":"","type":"","compression":false,"filename":"","filesize":{"size":0,"unit":""},"start_time":"","end_time":"","execution_time_ms":0,${backupLogs}}\n`,
  )
  expect(encodeJob('restore', 'develop', zeroJob('Running'))).toBe(
    `{"status":"Running","message":"","state":"","type":"","compression":false,"skipSSL":false,"skip_storage":false,"start_time":"","end_time":"","execution_time_ms":0,${restoreLogs}}\n`,
  )
})

test('at the end of a failed backup: its destination, and an error that is escaped as Go does', () => {
  const job = {
    ...zeroJob('FAILED'),
    message: 'backup failed',
    state: 'finished',
    type: 'S3',
    bucket: 'b',
    filenamePrefix: 'p/',
  }
  expect(
    encodeJob('backup', 'develop', {
      ...job,
      error_message: "due to '<a> & b'",
      filename: 'f',
      filesize: { size: 4, unit: 'byte' },
    }),
  ).toBe(
    `{"status":"FAILED","message":"backup failed","state":"finished","error_message":"due to '\\u003ca\\u003e \\u0026 b'","type":"S3","compression":false,"skip_storage":false,"skipSSL":false,"bucket":"b","filename":"f","filenamePrefix":"p/","filesize":{"size":4,"unit":"byte"},"start_time":"","end_time":"","execution_time_ms":0,${backupLogs}}\n`,
  )
})

test('the name that scripts are given', () => {
  expect(goFilename(new Date('2021-04-03T08:05:09Z'), '10.0.0.5', 'db1')).toBe('2021_04_03_08_05_10.0.0.5_db1')
})
