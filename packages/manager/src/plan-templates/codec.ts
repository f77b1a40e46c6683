import type { ShownPlanTemplate, Store, PlanTemplate as WireTemplate } from '@osb-backup/protocol/v1'
import * as v1 from '@osb-backup/protocol/v1'
import { type StoreSettings, stores } from '@osb-backup/storage'
import { runSettingsFromWire, runSettingsToWire } from '../plans/run-settings.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import type { PlanTemplate } from './template.ts'

const storeSettingsSchema = stores
  .unionOf('kind', (kind) => kind.v1.requestSchema)
  .meta(
    v1.destinationTemplateSchema.shape.store.meta() ?? {},
  ) as unknown as typeof v1.destinationTemplateSchema.shape.store

const storeSchema = stores
  .unionOf('kind', (kind) => kind.v1.answerSchema)
  .meta({ description: 'Where the bytes are stored' }) as unknown as typeof v1.storeSchema

/** A template as it is written, in the API and in catalogs, with the stores that this manager knows. */
export const planTemplateSchema = v1.planTemplateSchema.extend({
  destination: v1.destinationTemplateSchema
    .extend({ store: storeSettingsSchema })
    .meta({ description: 'What the destination of each plan is created from' }),
})

/** A template in an answer. */
export const shownPlanTemplateSchema = v1.shownPlanTemplateSchema.extend({
  destination: v1.shownPlanTemplateSchema.shape.destination
    .extend({ store: storeSchema })
    .meta({ description: 'What the destination of each plan is created from' }),
})

/**
 * A template as somebody wrote it.
 *
 * @param stored - What it replaces: secrets of its store that are not sent stay, where they may.
 * @throws {RequestError} If the retention is incomplete, or there is no secret, neither sent nor stored.
 */
export function templateFromWire(wire: WireTemplate, stored?: PlanTemplate): PlanTemplate {
  const { destination, items, ...run } = wire
  const kind = stores.kinds.find(({ type }) => type === destination.store.kind)
  invariant(kind, `"${destination.store.kind}" is a kind of store`)
  const decoded = kind.v1.decode(destination.store, stored?.destination.store)
  if (!decoded.ok) {
    const { field, problem } = decoded.error
    throw new RequestError('invalid', problem, { field: `destination.store.${field}` })
  }
  return {
    plan: { ...runSettingsFromWire(run), items },
    destination: {
      store: decoded.value as StoreSettings,
      bandwidthLimitBytesPerSecond: destination.bandwidthLimitBytesPerSecond,
      quotaBytes: destination.quotaBytes,
    },
  }
}

/** A template as the API answers it. */
export function templateToWire({ plan, destination }: PlanTemplate): ShownPlanTemplate {
  const { store, bandwidthLimitBytesPerSecond, quotaBytes } = destination
  return {
    ...runSettingsToWire(plan),
    items: plan.items && [...plan.items],
    encryption: { publicKey: plan.publicKey, privateKeySet: plan.privateKey !== undefined },
    destination: {
      store: stores.kindOf(store).v1.encode(store) as Store,
      bandwidthLimitBytesPerSecond,
      quotaBytes,
    },
  }
}

/** A template as a client would send it, with its private key and without the secrets of its store. */
export function settingsOfTemplate({ plan, destination }: PlanTemplate): WireTemplate {
  const { store, bandwidthLimitBytesPerSecond, quotaBytes } = destination
  const { requestSchema, encode } = stores.kindOf(store).v1
  const sent = Object.entries(encode(store)).filter(([field]) => field in requestSchema.shape)
  return {
    ...runSettingsToWire(plan),
    items: plan.items && [...plan.items],
    encryption: { publicKey: plan.publicKey, privateKey: plan.privateKey },
    destination: {
      store: Object.fromEntries(sent) as WireTemplate['destination']['store'],
      bandwidthLimitBytesPerSecond,
      quotaBytes,
    },
  }
}
