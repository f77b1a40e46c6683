import { fillInstanceId, INSTANCE_ID_PLACEHOLDER, isDeclaredItem, isItemPattern, namesInstance } from '@osb-backup/core'
import { type StoreSettings, stores } from '@osb-backup/storage'
import type { FileDestination } from '../destinations/destination.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import type { RunSettings } from '../plans/run-settings.ts'
import { RequestError } from '../shared/request-error.ts'

/** What plans and their destinations are created from, one of each for every instance. */
export interface PlanTemplate {
  plan: RunSettings & {
    /** Undefined: what each instance has declared, or else everything. */
    items: readonly string[] | undefined
  }
  destination: DestinationTemplate
}

/** `{instanceId}` in the container of the store stands for the id of the instance. */
export type DestinationTemplate = Pick<FileDestination, 'store' | 'bandwidthLimitBytesPerSecond' | 'quotaBytes'>

/** How many items a plan has at most. */
const MAX_ITEMS = 500
/** Any id, to check what does not depend on it. */
const SAMPLE_ID = 'instance'

/** The store of one instance. */
export function storeFor({ store }: Pick<DestinationTemplate, 'store'>, instanceId: string): StoreSettings {
  const { containerField } = stores.kindOf(store)
  const container = containerField === undefined ? undefined : settingsOf(store)[containerField]
  if (containerField === undefined || typeof container !== 'string') return store
  return { ...store, [containerField]: fillInstanceId(container, instanceId) } as StoreSettings
}

/** The store of no instance in particular, to be checked by the rules of the operator. */
export const sampleStore = (template: Pick<DestinationTemplate, 'store'>): StoreSettings =>
  storeFor(template, SAMPLE_ID)

/**
 * Refuses the id of an instance where it must not be, and a directory without it: no two instances share one.
 *
 * @throws {RequestError} Naming the field.
 */
export function checkPlaceholders({ store }: Pick<DestinationTemplate, 'store'>): void {
  const kind = stores.kindOf(store)
  const { containerField } = kind
  const elsewhere = Object.entries(settingsOf(store)).find(
    ([field, value]) => field !== containerField && typeof value === 'string' && namesInstance(value),
  )
  if (elsewhere !== undefined) {
    // Brokers choose ids: they must not choose the server that the credentials are sent to.
    const message = `${INSTANCE_ID_PLACEHOLDER} may be used in ${containerField ?? 'no setting'} of such a store, and nowhere else.`
    throw new RequestError('invalid', message, { field: 'destination.store' })
  }
  const directory = kind.localDirectory(store)
  if (directory === undefined || namesInstance(directory)) return
  const message = `directory must contain ${INSTANCE_ID_PLACEHOLDER}: each service instance needs a directory of its own.`
  throw new RequestError('invalid', message, { field: 'destination.store.directory' })
}

const settingsOf = (store: StoreSettings) => store as unknown as Readonly<Record<string, unknown>>

/**
 * What the plan of an instance covers.
 *
 * @throws {RequestError} If nothing is left.
 */
export function itemsFor(
  { items, excludedItems }: PlanTemplate['plan'],
  instance: Pick<ServiceInstance, 'id' | 'items'>,
): { items: string[]; excludedItems: string[] } {
  if (items !== undefined) return { items: [...items], excludedItems: [...excludedItems] }
  const declared = instance.items ?? []
  if (declared.length === 0 || declared.length > MAX_ITEMS) return { items: ['*'], excludedItems: [...excludedItems] }
  const covered = declared.filter((item) => isItemPattern(item) || !isDeclaredItem(item, excludedItems))
  if (covered.length === 0) {
    const message = `excludedItems leaves nothing of what the service instance ${JSON.stringify(instance.id)} has declared.`
    throw new RequestError('invalid', message, { field: 'excludedItems' })
  }
  return { items: covered, excludedItems: covered.some(isItemPattern) ? [...excludedItems] : [] }
}
