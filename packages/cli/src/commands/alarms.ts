import { alarmResource } from '../resources/notifying.ts'
import { findId } from '../resources/resource.ts'
import type { Program } from './program-context.ts'
import { addResourceCommand } from './resource-commands.ts'

/** Adds `alarm`. */
export function addAlarmCommands(program: Program): void {
  const { action } = program
  const alarm = addResourceCommand(program, alarmResource, 'See what is wrong, and acknowledge it')
  alarm
    .command('acknowledge')
    .alias('ack')
    .description('Record that you take care of alarms; they resolve once nothing is wrong any more')
    .argument('<alarm...>', 'IDs, or unique beginnings of IDs')

    .action(
      action(async (session, _: object, names: string[]) => {
        const client = await session.client()
        // All are found before the first is changed.
        const ids: string[] = []
        for (const name of names) ids.push(await findId(client, alarmResource, name))
        for (const id of ids) {
          const alarm = await client.alarms.acknowledge(id, { signal: session.io.signal })
          session.printer.value(alarm, { name: id, human: () => [`Acknowledged: ${alarm.sentence}`] })
        }
      }),
    )
}
