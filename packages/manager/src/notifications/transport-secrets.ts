import type { NotificationTransport } from '@osb-backup/protocol/v1'

/** The fields that are sealed. URLs of incoming webhooks authorize anyone who knows them. */
const secretFields: Record<NotificationTransport['kind'], readonly string[]> = {
  email: ['password'],
  alertmanager: ['password'],
  webhook: ['secret'],
  slack: ['url'],
  mattermost: ['url'],
  teams: ['url'],
  healthchecks: ['url'],
  command: [],
}

/** A transport as it is stored: what may be shown, and its secrets as JSON, undefined if it has none. */
export function splitSecrets(transport: NotificationTransport): {
  open: Record<string, unknown>
  secrets: string | undefined
} {
  const isSecret = ([name]: [string, unknown]) => secretFields[transport.kind].includes(name)
  const entries = Object.entries(transport).filter(([, value]) => value !== undefined)
  const secrets = entries.filter(isSecret)
  return {
    open: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secrets: secrets.length === 0 ? undefined : JSON.stringify(Object.fromEntries(secrets)),
  }
}

/** The opposite. */
export function joinSecrets(open: Record<string, unknown>, secrets: string | undefined): NotificationTransport {
  return { ...open, ...(secrets === undefined ? {} : JSON.parse(secrets)) } as NotificationTransport
}

/** A transport as answers show it: of each secret, whether it is stored. */
export function showTransport(transport: NotificationTransport): Record<string, unknown> {
  const { open } = splitSecrets(transport)
  const stored = transport as unknown as Record<string, unknown>
  return {
    ...open,
    ...Object.fromEntries(secretFields[transport.kind].map((name) => [`${name}Set`, stored[name] !== undefined])),
  }
}
