import type { StoreSettings } from '@osb-backup/storage'
import type { z } from 'zod'
import type { Call } from '../access/call.ts'
import { readClock } from '../database/clock.ts'
import { findCollections } from './collections.ts'
import { readDocuments } from './documents.ts'
import { ObjectFinder } from './find-object.ts'
import type { Import } from './import-context.ts'
import { importDestination } from './import-destinations.ts'
import { importInstance } from './import-instances.ts'
import { importJob } from './import-jobs.ts'
import { importPlan } from './import-plans.ts'
import {
  oldCredentialSchema,
  oldDestinationSchema,
  oldInstanceSchema,
  oldJobSchema,
  oldPlanSchema,
} from './old-documents.ts'
import type { PlainDocument } from './plain-document.ts'
import { Report, type ReportedKind } from './report.ts'

/** What to import. */
export interface ImportRequest {
  /** With what mongodump or mongoexport wrote. */
  folder: string
  /** Whether anything is written; otherwise the report says what would be. */
  apply: boolean
  signal: AbortSignal
}

/**
 * Imports the service instances, destinations, plans and finished jobs of the old manager from a copy of its database. What
 * exists already stays as it is, so that an import can be repeated; nothing in a store is changed.
 *
 * @returns The report.
 * @throws {RequestError} If the folder holds nothing to import, or a file of it cannot be read: what was imported before that
 *   stays.
 */
export async function importOldData(
  context: Import['context'],
  call: Call,
  { folder, apply, signal }: ImportRequest,
): Promise<string> {
  const { files, ignored } = await findCollections(folder)
  const report = new Report()
  const now = await readClock(context)
  const running: Import = { context, call, apply, signal, report, now, instances: new Map(), plans: new Map() }
  const each = <T>(
    paths: readonly string[],
    schema: z.ZodType<T>,
    kind: ReportedKind | undefined,
    act: (old: T) => unknown,
  ) => forEach(running, paths, { schema, kind, act })

  const credentials: z.output<typeof oldCredentialSchema>[] = []
  await each(files.credentials, oldCredentialSchema, undefined, (old) => credentials.push(old))
  await each(files.instances, oldInstanceSchema, 'service instance', (old) => importInstance(running, old, credentials))
  const stores = new Map<string, StoreSettings>()
  await each(files.destinations, oldDestinationSchema, 'destination', (old) => importDestination(running, old, stores))
  await each(files.plans, oldPlanSchema, 'plan', (old) => importPlan(running, old, stores))
  const finder = new ObjectFinder(running, stores)
  await each(files.jobs, oldJobSchema, 'job', (old) => importJob(running, old, finder))

  const title = apply ? `Imported ${folder}:` : `Dry run: nothing was written. With --apply, of ${folder}:`
  const notes = ignored.length === 0 ? [] : [`Not read, as nothing in them is imported: ${ignored.join(', ')}`]
  return report.print(title, { verb: apply ? 'imported' : 'to import', notes })
}

/** What is done with each document of some files. */
interface Handling<T> {
  schema: z.ZodType<T>
  /** For the report; undefined: documents that are not understood are passed over. */
  kind: ReportedKind | undefined
  act: (old: T) => unknown
}

async function forEach<T>(
  running: Import,
  paths: readonly string[],
  { schema, kind, act }: Handling<T>,
): Promise<void> {
  for (const path of paths) {
    for await (const document of readDocuments(path, running.signal)) {
      running.signal.throwIfAborted()
      const parsed = schema.safeParse(document)
      if (parsed.success) await act(parsed.data)
      else if (kind !== undefined) {
        const field = parsed.error.issues[0]?.path.join('.')
        running.report.add(kind, idOf(document), 'skipped', `its field ${field} is missing or not valid`)
      }
    }
  }
}

const idOf = ({ _id }: PlainDocument) => (typeof _id === 'string' ? _id.slice(0, 200) : 'without an id')
