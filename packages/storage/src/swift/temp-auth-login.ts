import { type Dispatcher, request } from 'undici'
import { parseRetryAfter } from '../retry-after.ts'
import { discard, type GrantedLogin } from './swift-answer.ts'
import { NotSwiftAnswer, UnexpectedStatus } from './swift-error.ts'
import type { SwiftSettings } from './swift-settings.ts'

/** Logs in with version 1: of Swift's TempAuth, and of Ceph. */
export async function logInWithTempAuth(
  url: string,
  { username, password }: SwiftSettings,
  dispatcher: Dispatcher,
): Promise<GrantedLogin> {
  const { statusCode, headers, body } = await request(url, {
    dispatcher,
    method: 'GET',
    headers: { 'x-auth-user': username, 'x-auth-key': password },
  })
  await discard(body)
  const token = headers['x-auth-token'] ?? headers['x-storage-token']
  const storageUrl = headers['x-storage-url']
  if (statusCode >= 300) throw new UnexpectedStatus(statusCode, parseRetryAfter(headers['retry-after'], new Date()))
  if (typeof token !== 'string' || typeof storageUrl !== 'string') {
    throw new NotSwiftAnswer(`Status ${statusCode} without a token is not the answer to a login`)
  }
  const lifeSeconds = Number(headers['x-auth-token-expires'])
  return { token, storageUrl, lifeMs: lifeSeconds > 0 ? lifeSeconds * 1000 : undefined }
}
