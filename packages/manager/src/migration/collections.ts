import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RequestError } from '../shared/request-error.ts'

/** What the old manager and the brokers keep in collections. */
export type CollectionKind = 'instances' | 'credentials' | 'destinations' | 'plans' | 'jobs'

/** The names of the collections, in lower case. Several versions of the old manager spelt them differently. */
const collections: Record<string, CollectionKind> = {
  serviceinstance: 'instances',
  credential: 'credentials',
  usernamepasswordcredential: 'credentials',
  filedestination: 'destinations',
  s3filedestination: 'destinations',
  swiftfiledestination: 'destinations',
  backupplan: 'plans',
  backoporrestorejob: 'jobs',
  backuporrestorejob: 'jobs',
  abstractjob: 'jobs',
  backupjob: 'jobs',
  restorejob: 'jobs',
}
const MAX_FILES = 10_000

/** The files of a folder, by what they hold. */
export interface Collections {
  files: Record<CollectionKind, string[]>
  /** Names of files that hold nothing to import. */
  ignored: string[]
}

/**
 * Finds what mongodump or mongoexport wrote, in a folder or below it.
 *
 * @throws {RequestError} If there is nothing to import.
 */
export async function findCollections(folder: string): Promise<Collections> {
  const found: Collections = {
    files: { instances: [], credentials: [], destinations: [], plans: [], jobs: [] },
    ignored: [],
  }
  for (const path of await filesBelow(folder)) {
    const [, name, ending] = /([^/]+?)\.(metadata\.json|bson|json|jsonl)(\.gz)?$/.exec(path) ?? []
    if (name === undefined || ending === undefined || ending.startsWith('metadata')) continue
    const kind = collections[name.toLowerCase()]
    if (kind === undefined) found.ignored.push(path.slice(path.lastIndexOf('/') + 1))
    else found.files[kind].push(path)
  }
  if (Object.values(found.files).some((paths) => paths.length > 0)) return found
  const message =
    `${folder} holds no collection of the old manager: it must hold what "mongodump --out" wrote, or serviceInstance, ` +
    'fileDestination, backupPlan and backopOrRestoreJob with the ending .bson or .json. Archives (--archive) must be unpacked.'
  throw new RequestError('invalid', message)
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    if (entries.length > MAX_FILES) throw new RequestError('invalid', `${folder} holds more than ${MAX_FILES} files.`)
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  } catch (cause) {
    if (cause instanceof RequestError) throw cause
    throw new RequestError('invalid', `${folder} cannot be read: ${(cause as NodeJS.ErrnoException).code}.`, { cause })
  }
}
