import type { Report } from '@osb-backup/protocol/v1'
import { expect, test } from 'vitest'
import { reportHtml, reportLines } from './report.ts'

const at = '2026-03-01T02:00:00.000Z'
const report: Report = {
  instanceId: 'shop-db',
  environment: 'production',
  version: '1.4.0',
  createdAt: at,
  since: at,
  protection: { state: 'protected', reason: 'All is well.' },
  lastProvenRestorableAt: at,
  plans: [
    {
      id: 'p',
      name: '<script>alert(1)</script>',
      items: ['shop'],
      schedule: { cron: '@daily' },
      paused: false,
      retention: { style: 'days', period: 14 },
      encrypted: true,
      destination: { name: 'nightly', kind: 's3' },
    },
  ],
  items: [
    {
      name: 'shop',
      planIds: ['p'],
      protection: { state: 'protected', reason: 'All is well.', newestRestorePointAt: at },
      restorePointCount: 14,
      lastProvenRestorableAt: at,
      recoverySeconds: 84,
      lastDrill: { jobId: 'j', at, passed: true },
    },
  ],
  backups: { succeeded: 90, failed: 1, cancelled: 0 },
  drills: [
    {
      jobId: 'j',
      state: 'succeeded',
      startedAt: at,
      endedAt: at,
      items: [{ item: 'shop', passed: true, verified: true, checksPassed: 2, checks: 2, recoverySeconds: 84 }],
    },
  ],
}

test('a report says in lines what was proven, from what, and how long it took', () => {
  const text = reportLines(report).join('\n')
  expect(text).toMatch(/Proven restorable +2026-03-01 02:00:00 UTC/)
  expect(text).toMatch(/Item: shop; Result: passed/)
  expect(text).toContain('Checks: 2/2; Recovery time: 1 min 24 s')
  const never = reportLines({ ...report, lastProvenRestorableAt: undefined, drills: [] }).join('\n')
  expect(never).toMatch(/Proven restorable +never/)
  expect(never).toMatch(/Drills\n {2}none/)
})

test('a page is whole, and what it quotes is text', () => {
  const page = reportHtml(report).join('\n')
  expect(page).toMatch(/^<!doctype html>[\s\S]*<\/html>$/)
  expect(page).not.toContain('<script>')
  expect(page).toContain('&lt;script&gt;')
  expect(page.match(/<table>/g)?.length).toBe(page.match(/<\/table>/g)?.length)
})
