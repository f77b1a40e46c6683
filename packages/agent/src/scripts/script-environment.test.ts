import { backupStages, publishedRestoreStages } from '@osb-backup/protocol'
import { expect, test } from 'vitest'
import type { JobRequest } from '../jobs/job-request.ts'
import { scriptArguments, scriptEnvironment } from './script-environment.ts'
import { messageFiles } from './script-messages.ts'

const request: JobRequest = {
  kind: 'backup',
  id: 'j1',
  compress: false,
  compressor: { algorithm: 'zstd' },
  encryptionKey: 'key-0',
  recoveryRecipients: [],
  destinationType: 'FILE',
  skipStorage: false,
  store: { type: 'file', directory: '/b' },
  namePrefix: '',
  database: { host: 'h', username: 'u', password: 'p', name: 'd', backupUsername: 'bu', backupPassword: 'bp' },
  parameters: [{ name: 'dump-jobs', value: '4' }],
}
const messages = messageFiles('/messages/j1')
const dump = { directory: '/jobs/j1', messages, filename: 'h_2026_01_01_d', compress: true, encryptionKey: 'key-1' }
const base = { PATH: '/bin' }

test('form 1 gets the parameters under their own names, and the key', () => {
  expect(scriptEnvironment('backup', 1, request, dump, base)).toEqual({
    PATH: '/bin',
    BACKUP_STAGE: 'backup',
    BACKUP_JOB_ID: 'j1',
    BACKUP_HOST: 'h',
    BACKUP_USERNAME: 'u',
    BACKUP_PASSWORD: 'p',
    BACKUP_BACKUP_USERNAME: 'bu',
    BACKUP_BACKUP_PASSWORD: 'bp',
    BACKUP_DATABASE: 'd',
    BACKUP_DIRECTORY: '/jobs/j1',
    BACKUP_WARNINGS: '/messages/j1/.warnings',
    BACKUP_METADATA: '/messages/j1/.metadata.json',
    BACKUP_FILENAME: 'h_2026_01_01_d',
    BACKUP_COMPRESSION: 'true',
    BACKUP_ENCRYPTION_KEY: 'key-1',
    'dump-jobs': '4',
  })
})

test('form 2 gets the parameters under a prefix, and no key', () => {
  const environment = scriptEnvironment('backup', 2, request, dump, base)
  expect(environment).toMatchObject({
    BACKUP_DIRECTORY: '/jobs/j1',
    BACKUP_PARAMETER_DUMP_JOBS: '4',
  })
  expect(environment).not.toHaveProperty('BACKUP_ENCRYPTION_KEY')
})

test('the arguments are the published ones', () => {
  const all = [...backupStages, ...publishedRestoreStages].map((stage) => [
    stage,
    scriptArguments(stage, request, dump),
  ])
  const long = ['h', 'u', 'p', 'd', 'h_2026_01_01_d', 'j1', 'true', 'key-1']
  expect(Object.fromEntries(all)).toEqual({
    'pre-backup-lock': ['d'],
    'pre-backup-check': ['d'],
    backup: long,
    'backup-cleanup': ['d', 'j1'],
    'post-backup-unlock': ['d'],
    'pre-restore-lock': ['j1'],
    restore: long,
    'restore-cleanup': ['j1'],
    'post-restore-unlock': [],
  })
})
