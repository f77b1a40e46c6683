import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Journal } from '../journal/journal.ts'
import { newJob } from './job-record.ts'
import { JobRegistry } from './job-registry.ts'
import type { JobRequest } from './job-request.ts'

const now = new Date('2026-11-27T12:00:00Z')

test('retention keeps a job whose incomplete upload is not removed yet', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'osb-registry-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const registry = new JobRegistry(await Journal.open(directory), { maxJobs: 1, reservedRestores: 0 })
  const request: JobRequest = {
    kind: 'backup',
    id: 'x',
    compress: false,
    compressor: { algorithm: 'zstd' },
    encryptionKey: 'none',
    recoveryRecipients: [],
    destinationType: 'FILE',
    store: { type: 'file', directory },
    skipStorage: false,
    namePrefix: '',
    database: { host: 'db', username: 'dba', password: 'secret', name: 'db1' },
    parameters: [],
  }
  const job = registry.restore({
    ...newJob(request, 2, now),
    status: 'FAILED',
    endedAt: now,
    incompleteUpload: 'parts may be left',
  })
  const retention = { maxAgeMs: 0, maxNumber: 0 }
  const later = new Date(now.getTime() + 1000)
  expect(registry.expired(retention, later)).toEqual([])
  await registry.clearIncompleteUpload(job)
  expect(registry.expired(retention, later)).toEqual([job])
})
