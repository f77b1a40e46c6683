import { errorCode } from '@osb-backup/node'
import { StoreError, type StoreErrorCode } from '../store-error.ts'

const codes: Record<string, StoreErrorCode> = {
  ENOENT: 'absent',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ELOOP: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  ENAMETOOLONG: 'invalid-name',
  EILSEQ: 'invalid-name',
  EINVAL: 'invalid-name',
  EISDIR: 'invalid-name',
  ENOTDIR: 'invalid-name',
  EEXIST: 'invalid-name',
  ENOTEMPTY: 'invalid-name',
}

const advice: Record<StoreErrorCode, string> = {
  absent: 'it is not there',
  denied: 'the file system refuses; check owner, permissions and symbolic links',
  exists: 'an object of this name is there, and may not be replaced',
  full: 'no space or quota is left; free some or enlarge it',
  replaced: 'another file took its place',
  locked: 'it is protected from removal',
  'invalid-name': 'the file system does not support this name, or a directory has it',
  temporary: 'the file system failed; try again, and check the disk or mount if it persists',
  misconfigured: 'the settings cannot work',
}

/** Turns a file system's error into a `StoreError`; one that already is one is returned unchanged. */
export function toFileStoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  const system = errorCode(error)
  const code = (system !== undefined && codes[system]) || 'temporary'
  return new StoreError(code, `Could not ${doing}: ${advice[code]}${system ? ` (${system})` : ''}.`, { cause: error })
}
