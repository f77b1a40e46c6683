import { X509Certificate } from 'node:crypto'
import { errorMessage } from '@osb-backup/node'

/** Why a text is not a list of certificates in PEM; undefined if it is. Node's TLS ignores what it cannot read. */
export function certificatesProblem(pem: string): string | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  if (blocks === null) return 'there is none in it'
  try {
    for (const block of blocks) new X509Certificate(block)
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}
