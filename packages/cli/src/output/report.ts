import type { Report } from '@osb-backup/protocol/v1'
import { formatDuration } from './units.ts'

/** A section of a report: a heading, and a table. */
interface Section {
  title: string
  header: readonly string[]
  rows: readonly (readonly string[])[]
}

const at = (instant: string | undefined): string => instant?.replace('T', ' ').replace(/\.\d+Z$/, ' UTC') ?? 'never'
const took = (seconds: number | undefined): string => (seconds === undefined ? '–' : formatDuration(seconds * 1000))

function factsOf(report: Report): [string, string][] {
  const { succeeded, failed, cancelled } = report.backups
  return [
    ['Installation', `${report.environment}, version ${report.version}`],
    ['Report of', at(report.createdAt)],
    ['Covers jobs since', at(report.since)],
    ['Protection', `${report.protection.state}: ${report.protection.reason}`],
    ['Proven restorable', at(report.lastProvenRestorableAt)],
    ['Backups', `${succeeded} succeeded, ${failed} failed, ${cancelled} cancelled`],
  ]
}

function sectionsOf(report: Report): Section[] {
  return [
    {
      title: 'Backup plans',
      header: ['Plan', 'Items', 'Schedule', 'Kept', 'Encrypted', 'Destination', 'Drills'],
      rows: report.plans.map((plan) => [
        plan.name,
        plan.items.join(', '),
        `${plan.schedule.cron} ${plan.schedule.timezone ?? 'UTC'}${plan.paused ? ' (paused)' : ''}`,
        retentionText(plan.retention),
        plan.encrypted ? 'yes' : 'no',
        `${plan.destination.name} (${plan.destination.kind})`,
        plan.drill === undefined ? 'none' : (plan.drill.schedule?.cron ?? 'on request'),
      ]),
    },
    {
      title: 'Items',
      header: ['Item', 'Protection', 'Restore points', 'Newest', 'Proven restorable', 'Recovery time', 'Last drill'],
      rows: report.items.map((item) => [
        item.name,
        item.protection.state,
        String(item.restorePointCount),
        at(item.protection.newestRestorePointAt),
        at(item.lastProvenRestorableAt),
        took(item.recoverySeconds),
        item.lastDrill === undefined ? 'none' : drillText(item.lastDrill),
      ]),
    },
    {
      title: 'Drills',
      header: ['Drill', 'Ended', 'Item', 'Result', 'Restore point of', 'Verified', 'Checks', 'Recovery time'],
      rows: report.drills.flatMap(({ jobId, endedAt, state, items }) =>
        items.map((item) => [
          jobId,
          endedAt === undefined ? state : at(endedAt),
          item.item,
          item.passed ? 'passed' : `not passed: ${item.reason ?? state}`,
          item.restorePointTakenAt === undefined ? '–' : at(item.restorePointTakenAt),
          item.verified ? 'yes' : 'no',
          `${item.checksPassed}/${item.checks}`,
          took(item.recoverySeconds),
        ]),
      ),
    },
  ]
}

const drillText = ({ passed, at: instant, reason }: NonNullable<Report['items'][number]['lastDrill']>): string =>
  passed ? `passed ${at(instant)}` : `failed ${at(instant)}: ${reason ?? ''}`

function retentionText({ style, ...fields }: Report['plans'][number]['retention']): string {
  const details = Object.entries(fields).map(([name, value]) =>
    name === 'period' ? String(value) : `${name} ${value}`,
  )
  return [style, ...details].join(' ')
}

/** A report in lines for people. */
export function reportLines(report: Report): string[] {
  const facts = factsOf(report)
  const width = Math.max(...facts.map(([name]) => name.length))
  return [
    `Backup report of ${report.instanceId}`,
    '',
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...sectionsOf(report).flatMap(({ title, header, rows }) => [
      '',
      title,
      ...(rows.length === 0
        ? ['  none']
        : rows.map((row) => `  ${row.map((cell, index) => `${header[index]}: ${cell}`).join('; ')}`)),
    ]),
  ]
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')

const css = `body{font:14px/1.5 sans-serif;margin:2em auto;max-width:70em;color:#111}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#eee}tr{break-inside:avoid}dt{font-weight:bold;float:left;clear:left;width:12em}dd{margin-left:13em}
@media print{body{margin:0;max-width:none;font-size:10pt}}`

/** A report as a page of its own, which loads nothing and runs nothing. */
export function reportHtml(report: Report): string[] {
  const title = escaped(`Backup report of ${report.instanceId}`)
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${css}</style></head><body>`,
    `<h1>${title}</h1>`,
    `<dl>${factsOf(report)
      .map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`)
      .join('')}</dl>`,
    ...sectionsOf(report).flatMap(({ title: heading, header, rows }) => [
      `<h2>${escaped(heading)}</h2>`,
      rows.length === 0
        ? '<p>None.</p>'
        : `<table><thead><tr>${header.map((cell) => `<th>${escaped(cell)}</th>`).join('')}</tr></thead><tbody>`,
      ...rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`),
      ...(rows.length === 0 ? [] : ['</tbody></table>']),
    ]),
    '</body></html>',
  ]
}
