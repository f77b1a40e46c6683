import { X509Certificate } from 'node:crypto'
import { errorMessage } from '@osb-backup/node'

/** What is wrong with a text that is to hold certificates in PEM. Node's TLS passes over what it cannot read. */
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
