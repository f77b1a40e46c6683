import 'reflect-metadata'
import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Generates a private key (PKCS #8, PEM). */
export async function generateKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Creates a certificate signing request in PEM: it proves that its sender has the key. The manager decides about names. */
export async function createRequest(key: string): Promise<string> {
  const { kty, crv, x, y, d } = createPrivateKey(key).export({ format: 'jwk' })
  const importKey = (jwk: webcrypto.JsonWebKey, usage: 'sign' | 'verify') =>
    webcrypto.subtle.importKey('jwk', jwk, ALGORITHM, true, [usage])
  const point = { kty, crv, x, y } as webcrypto.JsonWebKey
  const keys = {
    privateKey: await importKey({ ...point, d } as webcrypto.JsonWebKey, 'sign'),
    publicKey: await importKey(point, 'verify'),
  }
  const name = 'CN=OSB Backup agent'
  return (await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: ALGORITHM })).toString('pem')
}
