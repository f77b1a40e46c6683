import { itemSchema, type ObjectManifest } from '@osb-backup/protocol'
import {
  ContentError,
  isAgeRecipient,
  manifestName,
  type ObjectStore,
  readManifest,
  type StoredObject,
} from '@osb-backup/storage'
import type { NewRestorePoint } from '../restore-points/restore-point.ts'

/** Characters of an id that the manager would accept. */
const ID = /^[\w.:-]{1,200}$/
/** The id of a part at its agent: that of the job, and the position of the part. */
const PART_ID = /^([0-9a-f]{24})\d{1,4}$/

/** A dump that was found in a store with its manifest. */
export interface FoundDump {
  name: string
  manifest: ObjectManifest
  root: string
  object: StoredObject
}

/**
 * Reads what a store says of an object. Anyone who can write to the store may have written it, so nothing in it is trusted but
 * what an adopted restore point means anyway: that this is the dump.
 *
 * @returns The dump; or a sentence that says why it cannot be adopted.
 * @throws {StoreError} If the store does not answer.
 */
export async function readFoundDump(
  store: ObjectStore,
  name: string,
  signal: AbortSignal,
): Promise<FoundDump | { problem: string }> {
  const object = await store.head(name, { signal })
  if (object === undefined) return { problem: 'There is a manifest, but no object.' }
  try {
    const read = await readManifest(store, name, { signal })
    if (read === undefined) return { problem: 'There is no manifest beside it.' }
    const problem = problemOf(read.manifest, object)
    return problem === undefined ? { name, ...read, object } : { problem }
  } catch (error) {
    if (error instanceof ContentError) return { problem: error.message }
    throw error
  }
}

function problemOf({ stored, item, instance, plan, recipients }: ObjectManifest, object: StoredObject) {
  if (stored.sizeBytes !== object.sizeBytes) {
    return `The object has ${object.sizeBytes} bytes, its manifest says ${stored.sizeBytes}: it was replaced or cut off.`
  }
  if (stored.sizeBytes === 0) return 'The object is empty.'
  if (!itemSchema.safeParse(item).success) return 'The manifest names no valid item.'
  if (instance?.id !== undefined && !ID.test(instance.id)) return 'The manifest names no valid service instance.'
  if (plan?.id !== undefined && !ID.test(plan.id)) return 'The manifest names no valid plan.'
  if (recipients.length > 100 || !recipients.every((each) => isAgeRecipient(each))) {
    return 'The manifest names recipients that are no age recipients.'
  }
  return undefined
}

/** The object that a manifest belongs to. */
export function objectOfManifest(name: string): string {
  return name.slice(0, -manifestName('').length)
}

/** Whose a found dump is, and what its manifest does not say. */
export interface DumpOwner {
  /** Of the new restore point. */
  id: string
  instanceId: string
  planId: string
  destinationId: string
  /** For manifests that do not say it: the plan's flag. */
  compression: boolean
  /** Takes the place of the job where the manifest names none. */
  jobId: string
  now: Date
}

/** The restore point of a found dump. */
export function pointOfDump({ name, manifest, root, object }: FoundDump, owner: DumpOwner): NewRestorePoint {
  const { stored, original, transforms, recipients, item } = manifest
  const cut = name.lastIndexOf('/') + 1
  const byAgent = original !== undefined
  // Neither a wrong clock nor a wrong manifest makes it newer than the object, and so newer than dumps that were taken since.
  const takenAt = Math.min(Date.parse(manifest.startedAt), object.modifiedAt.getTime(), owner.now.getTime())
  return {
    id: owner.id,
    jobId: PART_ID.exec(manifest.job ?? '')?.[1] ?? owner.jobId,
    planId: owner.planId,
    instanceId: owner.instanceId,
    destinationId: owner.destinationId,
    item,
    prefix: name.slice(0, cut),
    filename: name.slice(cut),
    sizeBytes: stored.sizeBytes,
    sha256: stored.sha256,
    root,
    object: { tag: object.tag, modifiedAt: object.modifiedAt },
    originalSizeBytes: original?.sizeBytes,
    transformedBy: byAgent ? 'agent' : 'script',
    compressionRequested:
      manifest.compressionRequested ?? (byAgent ? transforms.compression !== 'none' : owner.compression),
    compression: byAgent ? transforms.compression : 'none',
    encrypted: transforms.encryption !== 'none',
    recipients: byAgent ? [...recipients] : [],
    takenAt: new Date(takenAt),
    afterFailure: false,
    warnings: [
      {
        code: 'adopted',
        message: 'Recorded from the manifest in the store: nothing but the store says that this is the dump.',
      },
    ],
  }
}
