import {
  type Channel,
  type ChannelCreate,
  type ChannelPatch,
  type ChannelQuery,
  channelSchema,
  type Notification,
  type NotificationQuery,
  notificationSchema,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions } from '../connection.ts'
import { deleteCall, editCalls, listCalls, pathOf, readCalls } from './resource.ts'

const path = '/v1/notification-channels'

/** Calls about notification channels. */
export const channelCalls = (connection: Connection) => ({
  ...listCalls<Channel, ChannelQuery>(connection, path, channelSchema),
  ...editCalls<Channel, ChannelPatch>(connection, path, channelSchema),
  create: (channel: ChannelCreate, options: CreateOptions = {}): Promise<Channel> =>
    connection.call({ method: 'POST', path, body: channel, answer: channelSchema, ...options }),
  /** Sends a test message; `notifications.get` says whether it was delivered. */
  test: (id: string, options: CallOptions = {}): Promise<Notification> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'test'), answer: notificationSchema, ...options }),
  /** Deletes a channel with its log. */
  delete: deleteCall(connection, path),
})

/** Calls about notifications: what was delivered, and what was not. */
export const notificationCalls = (connection: Connection) => ({
  ...listCalls<Notification, NotificationQuery>(connection, '/v1/notifications', notificationSchema),
  ...readCalls(connection, '/v1/notifications', notificationSchema),
})
