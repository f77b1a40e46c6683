import { z } from 'zod'
import { alarmKinds, alarmObjectKinds, alarmSeverities } from '../alarm.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  pagingFields,
  searchField,
} from './schema.ts'

export { type AlarmKind, type AlarmSeverity, alarmKinds, alarmSeverities } from '../alarm.ts'

/** Something that is wrong, or was. */
export const alarmSchema = z.object({
  id: idSchema.meta(about('Id of the alarm', EXAMPLE_ID)),
  kind: z.enum(alarmKinds).meta(about('What is wrong', 'agent-offline')),
  severity: z.enum(alarmSeverities).meta(about('How urgent it is; it may rise while the alarm is open', 'critical')),
  state: z
    .enum(['open', 'resolved'])
    .meta(about('Alarms resolve by themselves once nothing is wrong any more', 'open')),
  object: z
    .object({
      kind: z.enum(alarmObjectKinds).meta(about('The kind of the object', 'agent')),
      id: z.string().meta(about('Its id; of an item or a database the instance and the name', EXAMPLE_ID)),
      name: z.string().meta(about('Its name, for people', 'db-cluster-1')),
    })
    .meta({ description: 'What it concerns' }),
  instanceId: idSchema.optional().meta(about('The instance it belongs to; absent for the installation', 'shop-db')),
  planId: idSchema.optional().meta(about('The plan it belongs to', EXAMPLE_ID)),
  sentence: z.string().meta(about('What is wrong, in words', 'The agent db-cluster-1 is offline; it never answered.')),
  advice: z.string().meta(about('What to do', 'Check that the agent runs.')),
  since: instantSchema.meta(about('When it was raised', EXAMPLE_INSTANT)),
  until: instantSchema.optional().meta(about('When it was resolved; absent while it is open', EXAMPLE_INSTANT)),
  acknowledgement: z
    .object({
      at: instantSchema.meta(about('When', EXAMPLE_INSTANT)),
      by: z.string().meta(about('By whom', 'night shift')),
    })
    .optional()
    .meta({ description: 'Somebody takes care of it' }),
})
export type Alarm = z.infer<typeof alarmSchema>

/** `GET /v1/alarms`. */
export const alarmQuerySchema = z.strictObject({
  ...pagingFields,
  instance: filterFields.instance,
  plan: filterFields.plan,
  kind: z.enum(alarmKinds).optional().meta(about('Only alarms of this kind', 'agent-offline')),
  severity: z.enum(alarmSeverities).optional().meta(about('Only alarms of this severity', 'critical')),
  state: alarmSchema.shape.state.optional().meta(about('Only alarms in this state', 'open')),
  acknowledged: z
    .enum(['true', 'false'])
    .optional()
    .meta(about('Only alarms that somebody has acknowledged, or only others', 'false')),
  since: filterFields.since,
  until: filterFields.until,
  q: searchField('the sentence or the name of the object'),
})
export type AlarmQuery = z.input<typeof alarmQuerySchema>

/** What `event: alarm` carries. */
export const alarmEventSchema = alarmSchema
  .pick({ kind: true, severity: true, state: true, instanceId: true, planId: true })
  .extend({
    alarmId: idSchema.meta(about('The alarm that was raised, resolved or acknowledged', EXAMPLE_ID)),
    acknowledged: z.boolean().meta(about('Whether somebody has acknowledged it', false)),
  })
export type AlarmEvent = z.infer<typeof alarmEventSchema>
