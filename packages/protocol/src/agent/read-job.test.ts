import { expect, test } from 'vitest'
import { agentStatusOf, readAgentJob } from './read-job.ts'

test('a running backup of the Go agent is read as it is', () => {
  const answer = {
    status: 'RUNNING',
    message: 'backup is running',
    state: 'backup',
    type: 'S3',
    compression: true,
    filename: '',
  }
  const job = { ...answer, filesize: { size: 0, unit: '' }, execution_time_ms: 0, backup_log: '', skipSSL: true }
  expect(readAgentJob(job)).toEqual({ job, ignored: [] })
})

test('what has the wrong type is left out and named, null counts as absent', () => {
  const answer = {
    status: 'FAILED',
    filesize: { size: '7' },
    state: 3,
    backup_log: 5,
    message: null,
    region: null,
    extra: [1],
  }
  expect(readAgentJob(answer)).toEqual({
    job: { status: 'FAILED', extra: [1] },
    ignored: ['state', 'filesize', 'backup_log'],
  })
})

test('a digest is never left out', () => {
  expect(readAgentJob({ status: 'SUCCEEDED', sha256: 5 })?.job.sha256).toBe('invalid')
})

test('an answer without a status is not one of an agent', () => {
  for (const answer of [undefined, null, 'RUNNING', [], {}, { status: 7 }, { status: null }]) {
    expect(readAgentJob(answer)).toBeUndefined()
  }
})

test('statuses have no case, and others mean nothing', () => {
  expect(['Running', 'SUCCEEDED', 'failed', 'SUCCESS', ''].map((status) => agentStatusOf({ status }))).toEqual([
    'RUNNING',
    'SUCCEEDED',
    'FAILED',
    undefined,
    undefined,
  ])
})
