import type { Policy, PolicyCreate, PolicyPatch, PolicySelector, StoreKind } from '@osb-backup/protocol/v1'
import { type FieldValues, storeRequestOf, valuesOf } from '../destinations/store-fields.ts'
import {
  emptyDraft,
  type RetentionDraft,
  retentionDraftOf,
  retentionOf,
  retentionPatchOf,
} from '../plans/plan-draft.ts'

/** The lists of a selector, in the order in which they are shown. */
export const selectorFields = [
  'instances',
  'services',
  'servicePlans',
  'organizations',
  'spaces',
  'labels',
] as const satisfies (keyof PolicySelector)[]
type SelectorField = (typeof selectorFields)[number]

/** A place that a floor allows, while it is edited: what is empty is any. */
export interface PlaceDraft {
  kind: StoreKind
  server: string
  container: string
}

/** A policy while it is edited: every field has a value, which may not be one that can be saved. */
export interface PolicyDraft extends RetentionDraft {
  name: string
  description: string
  priority: number
  selector: Record<SelectorField, string[]>
  mayPause: boolean
  hasTemplate: boolean
  cron: string
  timezone: string
  items: string[]
  publicKey: string
  kind: StoreKind
  store: FieldValues
  minimumRetentionDays: string
  encryptionRequired: boolean
  places: PlaceDraft[]
}

/** What the parts of the form need. */
export interface PolicyFieldsProps {
  draft: PolicyDraft
  change: (fields: Partial<PolicyDraft>) => void
  errorOf: (field: string) => string | undefined
}

const nothingSelected = Object.fromEntries(selectorFields.map((field) => [field, []])) as never

/** What a new policy begins with. */
export const emptyPolicy: PolicyDraft = {
  ...retentionDraftOf({ style: 'days', period: emptyDraft.period }),
  name: '',
  description: '',
  priority: 0,
  selector: nothingSelected,
  mayPause: false,
  hasTemplate: true,
  cron: emptyDraft.cron,
  timezone: emptyDraft.timezone,
  items: [],
  publicKey: '',
  kind: 's3',
  store: {},
  minimumRetentionDays: '',
  encryptionRequired: false,
  places: [],
}

/** A policy as it is stored. */
export function policyDraftOf({
  name,
  description,
  priority,
  selector,
  template,
  floor,
  mayPause,
}: Policy): PolicyDraft {
  const lists = Object.fromEntries(selectorFields.map((field) => [field, [...(selector?.[field] ?? [])]]))
  const { schedule, retention, items, encryption, destination } = template ?? {}
  return {
    ...(retention === undefined ? emptyPolicy : { ...emptyPolicy, ...retentionDraftOf(retention) }),
    ...{ name, priority, mayPause, description: description ?? '', selector: lists as PolicyDraft['selector'] },
    hasTemplate: template !== undefined,
    cron: schedule?.cron ?? emptyPolicy.cron,
    timezone: schedule?.timezone ?? 'UTC',
    items: [...(items ?? [])],
    publicKey: encryption?.publicKey ?? '',
    kind: destination?.store.kind ?? emptyPolicy.kind,
    store: destination === undefined ? {} : valuesOf(destination.store),
    minimumRetentionDays: floor?.minimumRetentionDays?.toString() ?? '',
    encryptionRequired: floor?.encryptionRequired ?? false,
    places: (floor?.allowedDestinations ?? []).map(({ kind, server = '', container = '' }) => ({
      kind: kind as StoreKind,
      server,
      container,
    })),
  }
}

const orUndefined = (text: string) => (text.trim() === '' ? undefined : text.trim())

function selectorOf({ selector }: PolicyDraft): Partial<Record<SelectorField, string[]>> {
  return Object.fromEntries(
    selectorFields.flatMap((field) => (selector[field].length === 0 ? [] : [[field, selector[field]]])),
  )
}

function floorOf({ minimumRetentionDays, encryptionRequired, places }: PolicyDraft): PolicyCreate['floor'] {
  const floor = {
    ...(minimumRetentionDays === '' ? {} : { minimumRetentionDays: Number(minimumRetentionDays) }),
    ...(encryptionRequired ? { encryptionRequired } : {}),
    ...(places.length === 0 ? {} : { allowedDestinations: places.map(placeOf) }),
  }
  return Object.keys(floor).length === 0 ? undefined : floor
}

const placeOf = ({ kind, server, container }: PlaceDraft) => ({
  kind,
  ...(server.trim() === '' ? {} : { server: server.trim() }),
  ...(container.trim() === '' ? {} : { container: container.trim() }),
})

const scheduleOf = ({ cron, timezone }: PolicyDraft) => ({ cron, timezone })

/** The request that creates a policy. */
export const policyRequestOf = (draft: PolicyDraft): PolicyCreate => ({
  name: draft.name,
  description: orUndefined(draft.description),
  priority: draft.priority,
  selector: selectorOf(draft),
  mayPause: draft.mayPause,
  floor: floorOf(draft),
  template: draft.hasTemplate
    ? {
        schedule: scheduleOf(draft),
        retention: retentionOf(draft),
        items: draft.items.length === 0 ? undefined : draft.items,
        encryption: draft.publicKey.trim() === '' ? undefined : { publicKey: draft.publicKey.trim() },
        destination: { store: storeRequestOf(draft.kind, draft.store) },
      }
    : undefined,
})

/** The request that changes a policy: a merge patch, in which `null` removes. */
export function policyPatchOf(draft: PolicyDraft, before: PolicyDraft): PolicyPatch {
  const selected = selectorOf(draft)
  const floor = floorOf(draft)
  const storedStore = before.hasTemplate && before.kind === draft.kind ? before.store : undefined
  return {
    name: draft.name,
    description: orUndefined(draft.description) ?? null,
    priority: draft.priority,
    mayPause: draft.mayPause,
    selector: Object.fromEntries(selectorFields.map((field) => [field, selected[field] ?? null])),
    floor: floor === undefined ? null : { ...noFloor, ...floor },
    template: draft.hasTemplate
      ? {
          schedule: scheduleOf(draft),
          retention: retentionPatchOf(draft),
          items: draft.items.length === 0 ? null : draft.items,
          encryption: { publicKey: orUndefined(draft.publicKey) ?? null },
          destination: { store: storeRequestOf(draft.kind, draft.store, storedStore) },
        }
      : null,
  } as PolicyPatch
}

/** In a merge patch: what is not required any more. */
const noFloor = { minimumRetentionDays: null, encryptionRequired: null, allowedDestinations: null }
