const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Whether keys and tokens may be exchanged with an address: over TLS, or on this machine. */
export function isSafeAddress(address: string, allowsHttp: boolean): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && (allowsHttp || loopback.test(hostname)))
}
