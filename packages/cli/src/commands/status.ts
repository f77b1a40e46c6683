import type { Overview } from '@osb-backup/protocol/v1'
import { Option } from 'commander'
import { type CliError, exitCodeOf } from '../exit-code.ts'
import { columnsOf, type Io } from '../io.ts'
import { type Style, styleState } from '../output/style.ts'
import { type Column, cleaned, formatTable } from '../output/table.ts'
import { formatBytes, formatRelative } from '../output/units.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

interface StatusOptions {
  check?: boolean
  nagios?: boolean
}

/** What a monitoring system reads, as its plugins exit. */
const nagiosCodes = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const

/** Adds `status`. */
export function addStatus({ command, action }: Program): void {
  command
    .command('status')
    .description('Show what is protected, at risk, running and failing')
    .option('--check', 'exit with 1 if anything is at risk or unprotected, or a database stays locked')
    .addOption(new Option('--nagios', 'print the output of a Nagios plugin, and exit as one').conflicts('check'))
    .addHelpText(
      'after',
      `
Examples:
  osb-backup status
  osb-backup status --check || echo "look at it"
  osb-backup status --nagios`,
    )
    .action(
      action(async (session, options: StatusOptions) => {
        if (options.nagios) return nagios(session)
        const client = await session.client()
        const overview = await client.overview({ signal: session.io.signal })
        session.printer.value(overview, {
          name: isAtRisk(overview) ? 'at-risk' : 'ok',
          human: () => statusLines(overview, session.printer.style, session.io),
        })
        if (options.check && isAtRisk(overview)) process.exitCode = 1
      }),
    )
}

function isAtRisk({ instances, lockedDatabases, clockJump }: Overview): boolean {
  return instances.atRisk + instances.unprotected > 0 || lockedDatabases.some(isStuck) || clockJump !== undefined
}

const isStuck = ({ unlockAttempts }: Overview['lockedDatabases'][number]) => unlockAttempts > 0

function statusLines(overview: Overview, style: Style, io: Io): string[] {
  const nowMs = io.now()
  const { instances, jobs, restorePoints, agents, lockedDatabases, attention, clockJump } = overview
  const counts = (entries: readonly [number, string][]) =>
    entries
      .filter(([count], index) => count > 0 || index === 0)
      .map(([count, word]) => `${count} ${styleState(style, word)}`)
      .join(', ')
  return [
    `Instances       ${instances.total}: ${counts([
      [instances.protected, 'protected'],
      [instances.atRisk, 'at-risk'],
      [instances.unprotected, 'unprotected'],
      [instances.unknown, 'unknown'],
      [instances.exempt, 'exempt'],
    ])}`,
    `Jobs            ${counts([
      [jobs.running, 'running'],
      [jobs.queued, 'queued'],
      [jobs.unknown, 'unknown'],
    ])}`,
    `Last 24 hours   ${counts([
      [jobs.succeededLastDay, 'succeeded'],
      [jobs.failedLastDay, 'failed'],
      [jobs.cancelledLastDay, 'cancelled'],
    ])}`,
    `Restore points  ${restorePoints.total}, ${formatBytes(restorePoints.sizeBytes)}`,
    `Agents          ${counts([
      [agents.reachable, 'reachable'],
      [agents.unreachable, 'unreachable'],
      [agents.unknown, 'unknown'],
    ])}`,
    ...section(
      'Locked databases',
      lockedDatabases.map(
        ({ instanceId, database, jobId, lockedSince, unlockAttempts }) =>
          `${cleaned(instanceId)}/${cleaned(database)}  locked ${formatRelative(lockedSince, nowMs)} by job ${jobId}${unlockAttempts > 0 ? style('red', `, ${unlockAttempts} failed attempts to unlock`) : ''}`,
      ),
    ),
    ...section('Needs attention', attentionLines(attention, style, columnsOf(io) - INDENT.length)),
    ...(clockJump === undefined
      ? []
      : ['', style('red', "PostgreSQL's clock was set: nothing is deleted by age until an admin confirms the clock.")]),
    ...(instances.total === 0 ? ['', 'Nothing is registered yet. Begin with: osb-backup agent create --help'] : []),
  ]
}

function attentionLines(attention: Overview['attention'], style: Style, width: number): string[] {
  const columns: readonly Column<Overview['attention'][number]>[] = [
    { header: '', cell: ({ state }) => styleState(style, state) },
    {
      header: '',
      cell: ({ instanceId, item }) => (item === undefined ? instanceId : `${instanceId}/${item}`),
      shrinks: true,
    },
    { header: '', cell: ({ reason }) => reason, shrinks: true },
  ]
  return formatTable(attention, columns, width).slice(1)
}

const INDENT = '  '
const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => INDENT + line)]

async function nagios(session: Session): Promise<void> {
  const { io } = session
  try {
    const client = await session.client()
    report(io, await client.overview({ signal: io.signal }))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    io.stdout.write(`OSB-BACKUP UNKNOWN - ${cleaned(message)}\n`)
    // A caller that cannot sign in and a manager that is gone are both for people to see.
    process.exitCode = exitCodeOf(error as CliError) === 0 ? nagiosCodes.ok : nagiosCodes.unknown
  }
}

function report(io: Io, overview: Overview): void {
  const { instances, jobs, agents, lockedDatabases, attention } = overview
  const stuck = lockedDatabases.filter(isStuck).length
  const state =
    instances.unprotected > 0 || stuck > 0
      ? 'critical'
      : instances.atRisk > 0 || agents.unreachable > 0 || overview.clockJump !== undefined
        ? 'warning'
        : 'ok'
  const performance = [
    `protected=${instances.protected}`,
    `at_risk=${instances.atRisk}`,
    `unprotected=${instances.unprotected}`,
    `running=${jobs.running}`,
    `failed_last_day=${jobs.failedLastDay}`,
    `locked=${lockedDatabases.length}`,
  ].join(' ')
  const [worst] = attention
  const detail =
    worst === undefined
      ? ''
      : `; ${worst.instanceId}${worst.item === undefined ? '' : `/${worst.item}`}: ${worst.reason}`
  const text = `${instances.protected} of ${instances.total} instances protected, ${instances.atRisk} at risk, ${instances.unprotected} unprotected, ${stuck} locked${detail}`
  // A bar would begin the performance data.
  io.stdout.write(`OSB-BACKUP ${state.toUpperCase()} - ${cleaned(text).replaceAll('|', '/')} | ${performance}\n`)
  process.exitCode = nagiosCodes[state]
}
