import { applyMergePatch } from '@osb-backup/protocol/v1'
import type { z } from 'zod'
import { invalidRequest } from '../invalid-request.ts'

/**
 * Applies a JSON merge patch to what is stored, and checks the result as if it had been sent whole.
 *
 * @param stored - As a client would send it, with its secrets: those that the patch does not name are kept.
 * @throws {RequestError} Naming the field that is wrong now.
 */
export function patched<T>(schema: z.ZodType<T>, stored: unknown, patch: unknown): T {
  const result = schema.safeParse(applyMergePatch(stored, patch))
  if (result.success) return result.data
  throw invalidRequest(result.error.issues[0])
}

/**
 * Whether two URLs lead to the same server. A stored secret goes only where it went before.
 *
 * @param stored - Undefined, or no URL, if it was lost: then no server is the same.
 */
export function isSameOrigin(url: string, stored: string | undefined): boolean {
  return stored !== undefined && URL.canParse(stored) && new URL(url).origin === new URL(stored).origin
}
