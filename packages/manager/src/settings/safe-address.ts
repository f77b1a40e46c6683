import { z } from 'zod'

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Whether keys and tokens may be exchanged with an address: over TLS, or on this machine. */
export function isSafeAddress(address: string, allowsHttp: boolean): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && (allowsHttp || loopback.test(hostname)))
}

/** Base URL of a server, without a slash at the end. */
export const httpAddress = z
  .url({ protocol: /^https?$/, abort: true, error: 'must be an http(s) URL' })
  .refine((value) => {
    const { username, password, search, hash } = new URL(value)
    return [username, password, search, hash].every((part) => part === '')
  }, 'must be a URL without credentials, "?" and "#"')
  .transform((value) => value.replace(/\/+$/, ''))
