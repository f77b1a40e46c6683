import { constants, open } from 'node:fs/promises'
import type { ScriptAccount } from './script-account.ts'

/**
 * Acts inside a directory that the account of the scripts may exchange for a link at any moment: the path that `act` gets leads to the
 * directory that was opened, wherever its name leads by then. Without such an account, scripts may do what the agent may, and
 * the path stays as it is.
 *
 * @param path - Its parent is one that the account cannot exchange.
 * @throws If it does not exist, is no directory, or is a link.
 */
export async function insideDirectory<T>(
  path: string,
  account: ScriptAccount | undefined,
  act: (path: string) => Promise<T>,
): Promise<T> {
  if (account === undefined) return act(path)
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    return await act(`/proc/self/fd/${directory.fd}`)
  } finally {
    await directory.close()
  }
}

/** Whether an error says that there is no directory, or a link in its place. */
export const isExchanged = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')
