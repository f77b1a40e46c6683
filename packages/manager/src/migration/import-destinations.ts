import { type StoreSettings, stores } from '@osb-backup/storage'
import { inAuditedTransaction } from '../audit/service.ts'
import { insertDestination } from '../destinations/repository.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { destinationsById } from '../destinations/service.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Import } from './import-context.ts'
import type { OldDestination } from './old-documents.ts'

/** Imports a destination under its id. One that is stored already stays as it is. */
export async function importDestination(
  { context, call, apply, report, instances, now }: Import,
  old: OldDestination,
  known: Map<string, StoreSettings>,
): Promise<void> {
  const { _id: id, serviceInstance: instanceId, name = id } = old
  const stored = (await destinationsById(context, [id])).get(id)
  if (stored !== undefined) {
    known.set(id, stored.store)
    return report.add('destination', id, 'unchanged')
  }
  try {
    if (!instances.has(instanceId)) throw refused(`its service instance ${instanceId} is not registered`)
    const store = storeOf(old)
    await checkAllowed(store, context)
    const destination = { id, version: 1, instanceId, name, store, createdAt: now, retiredAt: undefined }
    if (apply) {
      await inAuditedTransaction(context, call, (tx) =>
        insertDestination(tx, { ...destination, bandwidthLimitBytesPerSecond: undefined }),
      )
    }
    known.set(id, store)
    report.add('destination', id, 'imported')
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    report.add('destination', id, 'skipped', error.message)
  }
}

/** The settings of the store, by way of the API that the old manager had, whose rules count here too. */
function storeOf({ containerName, projectName, ...old }: OldDestination): StoreSettings {
  const { type: wireType, _class: className } = old
  if ((wireType ?? className) === undefined) throw refused('it has neither a type nor a class')
  const kind = wireType ? stores.kindOfWireType(wireType) : stores.kindOfLegacyClass(className ?? '')
  if (kind === undefined) throw refused(`${JSON.stringify(wireType ?? className)} is no kind of store`)
  const wire = kind.legacy.requestSchema.safeParse({
    ...old,
    ...{ type: kind.wireType, name: old.name ?? old._id, container_name: containerName, project_name: projectName },
    serviceInstance: { service_instance_id: old.serviceInstance },
  })
  if (!wire.success) throw refused(`its ${wire.error.issues[0]?.path.join('.')} is missing or not valid`)
  const decoded = kind.legacy.decode(wire.data, undefined)
  if (!decoded.ok) throw refused(`its ${decoded.error.field} is missing or not valid`)
  return decoded.value as StoreSettings
}

const refused = (reason: string) => new RequestError('invalid', reason)
