import { alarmQuerySchema, alarmSchema, listOf, type Alarm as WireAlarm } from '@osb-backup/protocol/v1'
import type { Alarm } from '../../alarms/alarm.ts'
import { acknowledgeAlarm, getAlarm, searchAlarms } from '../../alarms/service.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { keysetOf, toDate, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** Alarms: listed, shown and acknowledged. */
export function alarmRoutes(app: App, context: Context): void {
  app.get(
    '/v1/alarms',
    {
      config: { access: 'viewer' },
      schema: { summary: 'List alarms', querystring: alarmQuerySchema, response: { 200: listOf(alarmSchema) } },
    },
    async (request) => {
      const { instance, plan, kind, severity, state, acknowledged, since, until, q, ...paging } = request.query
      const search = {
        instanceId: instance,
        planId: plan,
        kind,
        severity,
        isOpen: state && state === 'open',
        isAcknowledged: acknowledged && acknowledged === 'true',
        since: toDate(since),
        until: toDate(until),
        text: q,
      }
      return toList(await searchAlarms(context, request.call, search, keysetOf(paging)), toWire)
    },
  )

  app.get(
    '/v1/alarms/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show an alarm', params, response: { 200: alarmSchema } },
    },
    async (request) => toWire(await getAlarm(context, request.call, request.params.id)),
  )

  app.post(
    '/v1/alarms/:id/acknowledge',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Acknowledge an alarm; it stays open until nothing is wrong any more',
        params,
        response: { 200: alarmSchema },
      },
    },
    async (request) => toWire(await acknowledgeAlarm(context, request.call, request.params.id)),
  )
}

function toWire({ since, until, acknowledgement, ...alarm }: Alarm): WireAlarm {
  return {
    ...alarm,
    state: until === undefined ? 'open' : 'resolved',
    since: since.toISOString(),
    until: until?.toISOString(),
    acknowledgement: acknowledgement && { ...acknowledgement, at: acknowledgement.at.toISOString() },
  }
}
