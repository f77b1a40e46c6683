import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { errorCode, writeFileAtomically } from '@osb-backup/node'

/** Errors that say that a resource of the machine is exhausted, which is transient and not a fault of the request. */
const EXHAUSTED = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/** Whether something failed for lack of disk space, descriptors, processes or memory. */
export const isExhausted = (error: unknown): boolean => EXHAUSTED.has(errorCode(error) ?? '')

/** Whether something failed for lack of disk space. */
export const isDiskFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')

/**
 * Occupies disk space, so that it can be given back when the disk is full. The content is random: file systems that
 * compress would not store zeros.
 *
 * @throws If the disk is too full.
 */
export function reserveSpace(path: string, sizeBytes: number): Promise<void> {
  return writeFileAtomically(path, randomBytes(sizeBytes))
}

/**
 * Writes to a disk whose space was reserved: if it is full, gives the space back and tries again.
 *
 * @param reserve - The file that occupies the space.
 */
export async function withReserve<T>(reserve: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isDiskFull(error)) throw error
    await rm(reserve, { force: true })
    return write()
  }
}
