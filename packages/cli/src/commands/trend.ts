import type { Trend } from '@osb-backup/protocol/v1'
import type { Command } from 'commander'
import { columnsOf } from '../io.ts'
import { type Column, formatTable } from '../output/table.ts'
import { formatBytes, formatDuration, formatRelative } from '../output/units.ts'
import { findId } from '../resources/resource.ts'
import { instanceResource } from '../resources/resources.ts'
import type { Program } from './program-context.ts'
import { wholeNumber } from './resource-commands.ts'

/** Adds `instance trend`. */
export function addTrend({ action, io }: Program, instance: Command): void {
  instance
    .command('trend')
    .description('Show how its backups grow, and when its destinations are full')
    .argument('<instance>', 'ID, or unique beginning of an ID')
    .option('--days <count>', 'how many days back', wholeNumber, 30)
    .option('--item <item>', 'only this database')
    .action(
      action(async (session, options: { days: number; item?: string }, name: string) => {
        const client = await session.client()
        const id = await findId(client, instanceResource, name)
        const trend = await client.instances.trend(id, options)
        session.printer.value(trend, { name: id, human: () => trendLines(trend, columnsOf(io), io.now()) })
      }),
    )
}

const change = (bytes: number | undefined) =>
  bytes === undefined ? '–' : `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`

function trendLines({ items, destinations }: Trend, width: number, nowMs: number): string[] {
  const itemColumns: readonly Column<Trend['items'][number]>[] = [
    { header: 'ITEM', cell: ({ name }) => name, shrinks: true },
    { header: 'DUMPS', cell: ({ days }) => String(days.reduce((sum, day) => sum + day.dumpCount, 0)), align: 'right' },
    { header: 'NEWEST DAY', cell: ({ days }) => days.at(-1)?.day ?? '–' },
    { header: 'STORED', cell: ({ days }) => formatBytes(days.at(-1)?.storedBytes ?? 0), align: 'right' },
    { header: 'GROWS PER DAY', cell: ({ growthBytesPerDay }) => change(growthBytesPerDay), align: 'right' },
    {
      header: 'DURATION',
      cell: ({ days }) => {
        const seconds = days.at(-1)?.durationSeconds
        return seconds === undefined ? '–' : formatDuration(seconds * 1000)
      },
      align: 'right',
    },
  ]
  const destinationColumns: readonly Column<Trend['destinations'][number]>[] = [
    { header: 'DESTINATION', cell: ({ name }) => name, shrinks: true },
    { header: 'STORED', cell: ({ storedBytes }) => formatBytes(storedBytes), align: 'right' },
    { header: 'GROWS PER DAY', cell: ({ growthBytesPerDay }) => change(growthBytesPerDay), align: 'right' },
    {
      header: 'QUOTA',
      cell: ({ quotaBytes }) => (quotaBytes === undefined ? '–' : formatBytes(quotaBytes)),
      align: 'right',
    },
    { header: 'FULL', cell: ({ fullAt }) => (fullAt === undefined ? '–' : formatRelative(fullAt, nowMs)) },
  ]
  if (items.length + destinations.length === 0) return ['Nothing was backed up within that time.']
  return [
    ...(items.length === 0 ? [] : formatTable(items, itemColumns, width)),
    '',
    ...(destinations.length === 0 ? [] : formatTable(destinations, destinationColumns, width)),
  ]
}
