import { z } from 'zod'
import { alarmKinds, alarmSeverities } from '../alarm.ts'
import { mergePatchSchema } from './merge-patch.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  labelField,
  pagingFields,
  searchField,
} from './schema.ts'

const url = (description: string, example: string) =>
  z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .meta(about(description, example))
const text = (description: string, example: string) => z.string().min(1).max(1000).meta(about(description, example))
const isSet = (what: string) => z.boolean().meta(about(`Whether ${what} is stored`, true))
const address = z
  .string()
  .regex(/^[^\s@<>,;"]{1,100}@[^\s@<>,;"]{1,200}$/, 'must be an e-mail address')
  .meta(about('An e-mail address', 'backup@example.org'))

const email = {
  kind: z.literal('email').meta(about('E-mail over SMTP', 'email')),
  host: text('The mail server', 'mail.example.org'),
  port: z.int().min(1).max(65_535).meta(about('Its port', 587)),
  security: z.enum(['tls', 'starttls', 'none']).meta(about('`tls` from the start, `starttls`, or none', 'starttls')),
  username: text('User at the mail server', 'backup').optional(),
  from: address,
  to: z
    .array(address)
    .min(1)
    .max(50)
    .meta(about('Who gets the messages', ['dba@example.org'])),
}
const alertmanager = {
  kind: z.literal('alertmanager').meta(about('Prometheus Alertmanager, its API v2', 'alertmanager')),
  url: url('Where it listens, without the path of the API', 'http://alertmanager:9093'),
  username: text('User of HTTP Basic authentication', 'backup').optional(),
}
const webhook = {
  kind: z.literal('webhook').meta(about('CloudEvents over HTTP, signed as Standard Webhooks specify', 'webhook')),
  url: url('Where events are posted', 'https://example.org/hooks/backup'),
}
const chatKind = z
  .enum(['slack', 'mattermost', 'teams'])
  .meta(about('An incoming webhook of Slack, Mattermost or Microsoft Teams', 'slack'))
const healthchecks = {
  kind: z
    .literal('healthchecks')
    .meta(about('Pings as Healthchecks takes them, for the backups of one plan', 'healthchecks')),
  planId: idSchema.meta(about('The plan', EXAMPLE_ID)),
}
const command = z.strictObject({
  kind: z
    .literal('command')
    .meta(about('The program of NOTIFICATION_COMMAND, with the message as JSON on its input', 'command')),
})
const password = text('Write-only', 'secret').optional()

const transportSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ ...email, password }),
    z.strictObject({ ...alertmanager, password }),
    z.strictObject({
      ...webhook,
      secret: z
        .string()
        .regex(/^whsec_[A-Za-z0-9+/]{32,100}={0,2}$/, 'must be whsec_ and 24 to 64 bytes in base64')
        .meta(about('Key of the signatures. Write-only', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')),
    }),
    z.strictObject({
      kind: chatKind,
      url: url('The URL of the webhook. Write-only', 'https://hooks.example.org/T/B/x'),
    }),
    z.strictObject({ ...healthchecks, url: url('The ping URL. Write-only', 'https://hc.example.org/ping/4f1c') }),
    command,
  ])
  .meta({ description: 'How messages are delivered' })
export type NotificationTransport = z.infer<typeof transportSchema>

const shownTransportSchema = z
  .discriminatedUnion('kind', [
    z.object({ ...email, passwordSet: isSet('a password') }),
    z.object({ ...alertmanager, passwordSet: isSet('a password') }),
    z.object({ ...webhook, secretSet: isSet('a key') }),
    z.object({ kind: chatKind, urlSet: isSet('a URL') }),
    z.object({ ...healthchecks, urlSet: isSet('a URL') }),
    command,
  ])
  .meta({ description: 'How messages are delivered' })

const ruleSchema = z.strictObject({
  instances: z
    .array(idSchema)
    .max(1000)
    .optional()
    .meta(about('Only alarms of these service instances', ['shop-db'])),
  organizationGuid: idSchema.optional().meta(about('Only alarms of service instances of this organization', 'org-1')),
  spaceGuid: idSchema.optional().meta(about('Only alarms of service instances of this space', 'space-1')),
  minimumSeverity: z.enum(alarmSeverities).optional().meta(about('Only alarms as severe as this, or more', 'warning')),
  kinds: z
    .array(z.enum(alarmKinds))
    .max(50)
    .optional()
    .meta(about('Only alarms of these kinds', ['agent-offline'])),
})
export type NotificationRule = z.infer<typeof ruleSchema>

const timezone = z.string().min(1).max(100).meta(about('IANA name of the time zone', 'Europe/Berlin'))
const clockTime = (example: string) =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00')
    .meta(about('Hour and minute', example))

const channelFields = {
  name: z.string().min(1).max(200).meta(about('A name for people', 'on-call')),
  label: labelField,
  enabled: z.boolean().optional().meta(about('Whether it notifies; true by default', true)),
  rules: z
    .array(ruleSchema)
    .max(100)
    .optional()
    .meta({ description: 'It notifies of alarms that match one of these; without any rule, of all', examples: [[]] }),
  quietHours: z
    .strictObject({ from: clockTime('22:00'), until: clockTime('07:00'), timezone })
    .optional()
    .meta({ description: 'Messages of alarms that are not critical wait until they are over' }),
  summary: z
    .strictObject({
      every: z.enum(['day', 'week']).meta(about('Each day, or each Monday, at 8:00', 'day')),
      timezone,
    })
    .optional()
    .meta({ description: 'A regular summary of the alarms that are open; absent for none' }),
}

/** `POST /v1/notification-channels`. */
export const channelCreateSchema = z.strictObject({ ...channelFields, transport: transportSchema })
export type ChannelCreate = z.infer<typeof channelCreateSchema>

/** `PATCH /v1/notification-channels/{id}`. */
export const channelPatchSchema = mergePatchSchema(channelCreateSchema)
export type ChannelPatch = z.infer<typeof channelPatchSchema>

/** A channel in an answer. */
export const channelSchema = z.object({
  id: idSchema.meta(about('Id of the channel', EXAMPLE_ID)),
  ...channelFields,
  transport: shownTransportSchema,
  createdAt: instantSchema.meta(about('When it was created', EXAMPLE_INSTANT)),
})
export type Channel = z.infer<typeof channelSchema>

/** `GET /v1/notification-channels`. */
export const channelQuerySchema = z.strictObject({ ...pagingFields, q: searchField('the name') })
export type ChannelQuery = z.input<typeof channelQuerySchema>

const events = ['raised', 'escalated', 'resolved', 'summary', 'test', 'started', 'succeeded', 'failed'] as const
export const deliveryStates = ['waiting', 'failing', 'delivered', 'given-up'] as const
export type DeliveryState = (typeof deliveryStates)[number]

/** A message, and what became of its delivery. */
export const notificationSchema = z.object({
  id: idSchema.meta(about('Id of the notification; receivers get it, and should ignore one they had', EXAMPLE_ID)),
  channelId: idSchema.meta(about('The channel', EXAMPLE_ID)),
  alarmId: idSchema.optional().meta(about('The alarm', EXAMPLE_ID)),
  event: z.enum(events).meta(about('What happened', 'raised')),
  state: z.enum(deliveryStates).meta(about('`failing`: it is tried again', 'delivered')),
  attempts: z.int().meta(about('How often delivery was tried', 1)),
  error: z.string().optional().meta(about('Why the last attempt failed', 'The server answered 503.')),
  createdAt: instantSchema.meta(about('When it happened', EXAMPLE_INSTANT)),
  deliveredAt: instantSchema.optional().meta(about('When it was delivered', EXAMPLE_INSTANT)),
})
export type Notification = z.infer<typeof notificationSchema>

/** `GET /v1/notifications`: the delivery log. */
export const notificationQuerySchema = z.strictObject({
  ...pagingFields,
  channel: idSchema.optional().meta(about('Only of this channel', EXAMPLE_ID)),
  alarm: idSchema.optional().meta(about('Only of this alarm', EXAMPLE_ID)),
  state: z.enum(deliveryStates).optional().meta(about('Only in this state', 'failing')),
  since: filterFields.since,
  until: filterFields.until,
})
export type NotificationQuery = z.input<typeof notificationQuerySchema>
