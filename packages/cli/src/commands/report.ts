import { reportHtml, reportLines } from '../output/report.ts'
import { findId } from '../resources/resource.ts'
import { instanceResource } from '../resources/resources.ts'
import type { Program } from './program-context.ts'
import { wholeNumber } from './resource-commands.ts'

/** Adds `report`. */
export function addReport({ command, action }: Program): void {
  command
    .command('report')
    .description('Report how an instance is backed up, and what drills have proven, for auditors')
    .argument('<instance>', 'ID, or unique beginning of an ID')
    .option('--days <count>', 'how many days of backups and drills it covers; 90 by default', wholeNumber)
    .option('--html', 'print a page that can be printed or filed')
    .addHelpText(
      'after',
      `
Examples:
  osb-backup report shop-db
  osb-backup report shop-db --days 365 --html >shop-db.html`,
    )
    .action(
      action(async (session, { days, html }: { days?: number; html?: boolean }, name: string) => {
        const client = await session.client()
        const id = await findId(client, instanceResource, name)
        const report = await client.instances.report(id, days === undefined ? {} : { days })
        if (html && !session.printer.isStructured) return session.printer.lines(reportHtml(report))
        session.printer.value(report, { name: id, human: () => reportLines(report) })
      }),
    )
}
