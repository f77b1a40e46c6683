import { mkdir } from 'node:fs/promises'
import { fillInstanceId, namesInstance } from '@osb-backup/core'
import { stores } from '@osb-backup/storage'
import { RequestError } from '../shared/request-error.ts'
import type { DestinationTemplate } from './template.ts'

/** As far as the umask of the manager allows. */
const DIRECTORY_MODE = 0o770

/**
 * Creates the directory of an instance, where a template stores in directories: from the first segment on that names the
 * instance. What is above has to exist: otherwise a file system that is not mounted would go unnoticed.
 *
 * @throws {RequestError} If it cannot be created.
 */
export async function createInstanceDirectory(
  { store }: Pick<DestinationTemplate, 'store'>,
  instanceId: string,
): Promise<void> {
  const segments = stores.kindOf(store).localDirectory(store)?.split('/') ?? []
  const first = segments.findIndex(namesInstance)
  if (first === -1) return
  for (let count = first + 1; count <= segments.length; count++) {
    const directory = fillInstanceId(segments.slice(0, count).join('/'), instanceId)
    await mkdir(directory, { mode: DIRECTORY_MODE }).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') return
      const message = `The directory ${directory} cannot be created: ${cause.code}.`
      throw new RequestError('invalid', message, { field: 'destination.store.directory', cause })
    })
  }
}
