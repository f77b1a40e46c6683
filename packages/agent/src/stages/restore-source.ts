import { type Transforms, transformsOfName } from '@osb-backup/core'
import type { ObjectManifest } from '@osb-backup/protocol'
import type { RunContext } from './run-context.ts'

/**
 * Finds the object of a restore: under its prefix, else under the name of the file alone. The Go agent ignored the prefix of
 * Swift destinations, and an older one that of S3 too, so objects of old installations are stored there.
 */
export async function findSource(
  { store, filename, job }: Pick<RunContext, 'store' | 'filename' | 'job'>,
  signal: AbortSignal,
): Promise<string> {
  const name = job.request.namePrefix + filename
  if (name === filename || (await store.head(name, { signal })) !== undefined) return name
  return (await store.head(filename, { signal })) === undefined ? name : filename
}

/**
 * What the agent has to reverse at a restore: as the request says, else as the manifest does. Without either, names of form 2
 * say, since the agent itself chose them; for form 1 the scripts did everything.
 */
export function transformsToReverse(
  { job, filename, pack }: Pick<RunContext, 'job' | 'filename' | 'pack'>,
  manifest: ObjectManifest | undefined,
): Transforms {
  const given = job.request.source?.transforms
  if (given !== undefined) return { compression: given.compression, encrypted: given.encrypted }
  if (manifest !== undefined) {
    const { compression, encryption } = manifest.transforms
    return { compression, encrypted: encryption === 'age' }
  }
  return pack.form === 2 ? transformsOfName(filename) : { compression: 'none', encrypted: false }
}
