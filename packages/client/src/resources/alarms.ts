import { type Alarm, type AlarmQuery, alarmSchema } from '@osb-backup/protocol/v1'
import type { CallOptions, Connection } from '../connection.ts'
import { listCalls, pathOf, readCalls } from './resource.ts'

const path = '/v1/alarms'

/** Calls about alarms. */
export const alarmCalls = (connection: Connection) => ({
  ...listCalls<Alarm, AlarmQuery>(connection, path, alarmSchema),
  ...readCalls(connection, path, alarmSchema),
  /** Records that the caller takes care of an alarm. */
  acknowledge: (id: string, options: CallOptions = {}): Promise<Alarm> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'acknowledge'), answer: alarmSchema, ...options }),
})
