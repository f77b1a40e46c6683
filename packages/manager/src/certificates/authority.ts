import { X509Certificate } from 'node:crypto'
import type { RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import * as repository from './repository.ts'
import type { KeyPair } from './x509.ts'

/** The certificate of a manager is kept in its memory, and replaced after half of this time. */
const CLIENT_LIFETIME_MS = 7 * 86_400_000

/** What creates certificates; loaded when it is first needed, since many installations have no use for it. */
export const loadX509 = () => import('./x509.ts')

/** The CA of this installation, which all managers share. Created on first use. */
export async function ensureAuthority(context: RepositoryContext): Promise<KeyPair> {
  const stored = await repository.findAuthority(context)
  if (stored !== undefined) return stored
  const { createAuthority } = await loadX509()
  const created = await createAuthority(await readClock(context))
  return inTransaction(context, async (tx) => {
    await repository.lockAuthority(tx)
    const first = await repository.findAuthority(tx)
    if (first !== undefined) return first
    await repository.storeAuthority(tx, created)
    return created
  })
}

/** SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it. */
export const fingerprintOf = (certificate: string): string => new X509Certificate(certificate).fingerprint256

/** The certificates with which one manager identifies itself to enrolled agents. */
export class ClientCertificates {
  readonly #context: RepositoryContext
  #current: { ca: string; pair: KeyPair; renewAt: Date } | undefined

  constructor(context: RepositoryContext) {
    this.#context = context
  }

  /** What a connection to an enrolled agent needs: the CA of agents, and the certificate of this manager with its key. */
  async tls(now: Date): Promise<{ ca: string; cert: string; key: string }> {
    const authority = await ensureAuthority(this.#context)
    const ca = authority.certificate
    if (this.#current === undefined || this.#current.ca !== ca || this.#current.renewAt <= now) {
      const { issueClientCertificate } = await loadX509()
      const pair = await issueClientCertificate(authority, { from: now, lifetimeMs: CLIENT_LIFETIME_MS })
      this.#current = { ca, pair, renewAt: new Date(now.getTime() + CLIENT_LIFETIME_MS / 2) }
    }
    const { pair } = this.#current
    return { ca, cert: pair.certificate, key: pair.privateKey }
  }
}
