import {
  type ChannelCreate,
  channelCreateSchema,
  channelPatchSchema,
  channelQuerySchema,
  channelSchema,
  listOf,
  notificationQuerySchema,
  notificationSchema,
  type Channel as WireChannel,
  type Notification as WireNotification,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import type { Channel, Notification } from '../../notifications/channel.ts'
import {
  createChannel,
  deleteChannel,
  getChannel,
  getNotification,
  searchChannels,
  searchNotifications,
  testChannel,
  updateChannel,
} from '../../notifications/service.ts'
import { showTransport } from '../../notifications/transport-secrets.ts'
import { changedMeanwhile } from '../../shared/request-error.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { isSameOrigin, patched } from './edits.ts'
import { keysetOf, toDate, toList } from './lists.ts'
import { idParams as params } from './params.ts'

const config = { access: 'admin' } as const
const path = '/v1/notification-channels'

/** Notification channels, and the log of what they delivered. */
export function notificationRoutes(app: App, context: Context): void {
  app.get(
    path,
    {
      config,
      schema: {
        summary: 'List notification channels',
        querystring: channelQuerySchema,
        response: { 200: listOf(channelSchema) },
      },
    },
    async (request) => {
      const { q, ...paging } = request.query
      return toList(await searchChannels(context, request.call, q, keysetOf(paging)), toWire)
    },
  )

  app.get(
    `${path}/:id`,
    { config, schema: { summary: 'Show a notification channel', params, response: { 200: channelSchema } } },
    async (request, reply) => {
      const channel = await getChannel(context, request.call, request.params.id)
      sendVersion(reply, channel.version)
      return toWire(channel)
    },
  )

  app.post(
    path,
    {
      config,
      schema: {
        summary: 'Create a notification channel',
        headers: idempotencyKeyHeader,
        body: channelCreateSchema,
        response: { 201: channelSchema },
      },
    },
    async (request, reply) => {
      const wanted = fromWire(request.body)
      const channel = await createChannel(context, request.call, wanted, parseIdempotencyKey(request))
      sendVersion(reply, channel.version)
      return reply.code(201).header('Location', `${path}/${channel.id}`).send(toWire(channel))
    },
  )

  app.patch(
    `${path}/:id`,
    {
      config,
      schema: {
        summary: 'Change a notification channel; another server requires the secrets',
        headers: ifMatchHeader,
        params,
        body: channelPatchSchema,
        response: { 200: channelSchema },
      },
    },
    async (request, reply) => {
      const stored = await getChannel(context, request.call, request.params.id)
      const edited = editedVersion(request)
      if (edited !== undefined && edited !== stored.version) throw changedMeanwhile()
      const settings = patched(channelCreateSchema, keptOf(stored, request.body.transport), request.body)
      const channel = await updateChannel(context, request.call, { ...stored, ...fromWire(settings) })
      sendVersion(reply, channel.version)
      return toWire(channel)
    },
  )

  app.delete(
    `${path}/:id`,
    { config, schema: { summary: 'Delete a notification channel with its log', params, response: { 204: z.null() } } },
    async (request, reply) => {
      await deleteChannel(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    `${path}/:id/test`,
    {
      config,
      schema: {
        summary: 'Send a test message; read the notification for whether it was delivered',
        params,
        response: { 202: notificationSchema },
      },
    },
    async (request, reply) => {
      const notification = await testChannel(context, request.call, request.params.id)
      reply.header('Location', `/v1/notifications/${notification.id}`)
      return reply.code(202).send(notificationToWire(notification))
    },
  )

  app.get(
    '/v1/notifications',
    {
      config,
      schema: {
        summary: 'List notifications, with what became of their delivery',
        querystring: notificationQuerySchema,
        response: { 200: listOf(notificationSchema) },
      },
    },
    async (request) => {
      const { channel, alarm, state, since, until, ...paging } = request.query
      const search = { channelId: channel, alarmId: alarm, state, since: toDate(since), until: toDate(until) }
      return toList(await searchNotifications(context, request.call, search, keysetOf(paging)), notificationToWire)
    },
  )

  app.get(
    '/v1/notifications/:id',
    { config, schema: { summary: 'Show a notification', params, response: { 200: notificationSchema } } },
    async (request) => notificationToWire(await getNotification(context, request.call, request.params.id)),
  )
}

function fromWire({ enabled = true, rules = [], quietHours, summary, name, label, transport }: ChannelCreate) {
  return { name, label, enabled, rules, quietHours, summary, transport }
}

/**
 * A channel as a client would send it, for a patch to be applied to. A stored secret goes only to the server that it was stored
 * for: where the patch names another kind, host or URL, the secrets are left out.
 */
function keptOf(
  { name, label, enabled, rules, quietHours, summary, transport }: Channel,
  patch: unknown,
): ChannelCreate {
  const changes = (typeof patch === 'object' && patch !== null ? patch : {}) as Record<string, unknown>
  const kept = { ...transport } as Record<string, unknown> & { url?: string }
  const isMoved =
    (changes.kind !== undefined && changes.kind !== transport.kind) ||
    (changes.host !== undefined && changes.host !== kept.host) ||
    (typeof changes.url === 'string' && URL.canParse(changes.url) && !isSameOrigin(changes.url, kept.url))
  if (isMoved) {
    delete kept.password
    delete kept.secret
  }
  const isOtherKind = changes.kind !== undefined && changes.kind !== transport.kind
  return {
    ...{ name, label, enabled, rules, quietHours, summary },
    transport: (isOtherKind ? {} : kept) as unknown as ChannelCreate['transport'],
  }
}

function toWire({ id, name, label, enabled, rules, quietHours, summary, transport, createdAt }: Channel): WireChannel {
  return {
    ...{ id, name, label, enabled, rules, quietHours, summary },
    transport: showTransport(transport) as WireChannel['transport'],
    createdAt: createdAt.toISOString(),
  }
}

function notificationToWire(notification: Notification): WireNotification {
  const { id, channelId, alarmId, event, attempts, error, createdAt, deliveredAt } = notification
  return {
    ...{ id, channelId, alarmId, event, attempts, error, state: stateOf(notification) },
    createdAt: createdAt.toISOString(),
    deliveredAt: deliveredAt?.toISOString(),
  }
}

function stateOf({ deliveredAt, nextAttemptAt, error }: Notification): WireNotification['state'] {
  if (deliveredAt !== undefined) return 'delivered'
  if (nextAttemptAt === undefined) return 'given-up'
  return error === undefined ? 'waiting' : 'failing'
}
