import type {
  AlarmKind,
  AlarmSeverity,
  Channel,
  ChannelCreate,
  ChannelPatch,
  NotificationTransport,
} from '@osb-backup/protocol/v1'

/** How a channel delivers. */
export type TransportKind = NotificationTransport['kind']

/** A rule while it is edited. */
export interface RuleDraft {
  /** Tells it from the others while some are removed. */
  key: number
  instances: string[]
  organizationGuid: string
  spaceGuid: string
  minimumSeverity: AlarmSeverity | undefined
  kinds: AlarmKind[]
}

/** A channel while it is edited: the fields of every kind, so that none is lost while the kind is chosen. */
export interface ChannelDraft {
  name: string
  enabled: boolean
  kind: TransportKind
  host: string
  port: number
  security: 'tls' | 'starttls' | 'none'
  username: string
  /** Empty: the stored one stays. */
  password: string
  from: string
  to: string[]
  /** Empty: the stored one stays, where it is a secret. */
  url: string
  /** Empty: the stored one stays. */
  secret: string
  planId: string
  rules: RuleDraft[]
  isQuiet: boolean
  quietFrom: string
  quietUntil: string
  quietTimezone: string
  summary: 'none' | 'day' | 'week'
  summaryTimezone: string
}

const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** What a new channel begins with. */
export const emptyChannel: ChannelDraft = {
  name: '',
  enabled: true,
  kind: 'email',
  host: '',
  port: 587,
  security: 'starttls',
  username: '',
  password: '',
  from: '',
  to: [],
  url: '',
  secret: '',
  planId: '',
  rules: [],
  isQuiet: false,
  quietFrom: '22:00',
  quietUntil: '07:00',
  quietTimezone: timezone,
  summary: 'none',
  summaryTimezone: timezone,
}

let lastKey = 0

/** A rule that matches every alarm. */
export const emptyRule = (): RuleDraft => ({
  key: ++lastKey,
  instances: [],
  organizationGuid: '',
  spaceGuid: '',
  minimumSeverity: undefined,
  kinds: [],
})

/** A channel as it is stored. */
export const draftOf = ({
  name,
  enabled = true,
  transport,
  rules = [],
  quietHours,
  summary,
}: Channel): ChannelDraft => ({
  ...emptyChannel,
  ...transport,
  username: ('username' in transport ? transport.username : undefined) ?? '',
  name,
  enabled,
  rules: rules.map((rule) => ({
    ...emptyRule(),
    instances: rule.instances ?? [],
    organizationGuid: rule.organizationGuid ?? '',
    spaceGuid: rule.spaceGuid ?? '',
    minimumSeverity: rule.minimumSeverity,
    kinds: rule.kinds ?? [],
  })),
  ...(quietHours === undefined
    ? {}
    : {
        isQuiet: true,
        quietFrom: quietHours.from,
        quietUntil: quietHours.until,
        quietTimezone: quietHours.timezone,
      }),
  ...(summary === undefined ? {} : { summary: summary.every, summaryTimezone: summary.timezone }),
})

/** The request that creates a channel. */
export function createRequestOf(draft: ChannelDraft): ChannelCreate {
  const { quietHours, summary, rules, ...rest } = settingsOf(draft)
  return {
    ...rest,
    ...(rules === null ? {} : { rules }),
    ...(quietHours === null ? {} : { quietHours }),
    ...(summary === null ? {} : { summary }),
    transport: withoutEmpty(transportOf(draft)) as NotificationTransport,
  }
}

/** The request that changes a channel: a merge patch, in which `null` removes. Secrets that were not typed are not in it. */
export function patchOf(draft: ChannelDraft, before: ChannelDraft): ChannelPatch {
  const transport = transportOf(draft)
  const { username } = transport
  return {
    ...settingsOf(draft),
    transport: {
      ...withoutEmpty(transport),
      // Without its user a password is of no use.
      ...(username === '' && before.kind === draft.kind && before.username !== ''
        ? { username: null, password: null }
        : {}),
    },
  } as unknown as ChannelPatch
}

function settingsOf(draft: ChannelDraft) {
  const { name, enabled, summary, summaryTimezone } = draft
  // A check is pinged by each backup of its plan, and by nothing else.
  const isOfAlarms = draft.kind !== 'healthchecks'
  return {
    name,
    enabled,
    rules: isOfAlarms ? draft.rules.map(ruleOf) : null,
    quietHours:
      isOfAlarms && draft.isQuiet
        ? { from: draft.quietFrom, until: draft.quietUntil, timezone: draft.quietTimezone }
        : null,
    summary: isOfAlarms && summary !== 'none' ? { every: summary, timezone: summaryTimezone } : null,
  }
}

const ruleOf = ({ instances, organizationGuid, spaceGuid, minimumSeverity, kinds }: RuleDraft) => ({
  ...(instances.length === 0 ? {} : { instances }),
  ...(organizationGuid === '' ? {} : { organizationGuid }),
  ...(spaceGuid === '' ? {} : { spaceGuid }),
  ...(minimumSeverity === undefined ? {} : { minimumSeverity }),
  ...(kinds.length === 0 ? {} : { kinds }),
})

function transportOf(draft: ChannelDraft): Record<string, unknown> & { kind: TransportKind } {
  const { kind, host, port, security, username, password, from, to, url, secret, planId } = draft
  switch (kind) {
    case 'email':
      return { kind, host, port, security, username, password, from, to }
    case 'alertmanager':
      return { kind, url, username, password }
    case 'webhook':
      return { kind, url, secret }
    case 'healthchecks':
      return { kind, planId, url }
    case 'slack':
    case 'mattermost':
    case 'teams':
      return { kind, url }
    case 'command':
      return { kind }
  }
}

const withoutEmpty = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))

const SECRET_BYTES = 32

/** A key for the signatures of a webhook. */
export const generateSigningKey = (): string =>
  `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))))}`
