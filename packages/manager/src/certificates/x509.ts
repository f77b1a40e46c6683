import 'reflect-metadata'
import { createPublicKey, KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const AUTHORITY_NAME = 'CN=OSB Backup agents'
const AUTHORITY_MS = 20 * 365 * 86_400_000
/** Clocks of agents may be behind by as much, or by a tenth of the lifetime if that is less. */
const CLOCK_TOLERANCE_MS = 300_000
const SERIAL_BYTES = 16

/** A certificate with its private key, both in PEM. */
export interface KeyPair {
  certificate: string
  privateKey: string
}

/** How long a certificate is valid. */
export interface Validity {
  from: Date
  lifetimeMs: number
}

/** Creates a CA that signs itself. */
export async function createAuthority(from: Date): Promise<KeyPair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: AUTHORITY_NAME,
    ...validityOf({ from, lifetimeMs: AUTHORITY_MS }),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      // It signs certificates of agents and managers, and no other CA.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: pemOf(certificate), privateKey: privateKeyPem(keys) }
}

/**
 * Issues the certificate of an agent: for servers alone, so that no agent can call another.
 *
 * @param host - The only name it has: a host name or an IP address.
 */
export async function issueServerCertificate(
  authority: KeyPair,
  { publicKey, host, id }: { publicKey: Buffer; host: string; id: string },
  validity: Validity,
): Promise<string> {
  const key = await webcrypto.subtle.importKey('spki', new Uint8Array(publicKey), ALGORITHM, true, ['verify'])
  const type = isIP(host) === 0 ? 'dns' : 'ip'
  return issue(authority, key, id, validity, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([{ type, value: host }]),
  ])
}

/** Issues the certificate that a manager presents to agents. */
export async function issueClientCertificate(authority: KeyPair, validity: Validity): Promise<KeyPair> {
  const keys = await generateKeys()
  const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])
  const certificate = await issue(authority, keys.publicKey, 'manager', validity, [usage])
  return { certificate, privateKey: privateKeyPem(keys) }
}

/**
 * Reads the public key of a certificate signing request (PKCS #10, PEM), which proves that its sender has the private key. Nothing
 * else of it counts.
 *
 * @returns The key (SPKI, DER); undefined if it is no request, its signature is wrong, or the key is not on the curve P-256.
 */
export async function publicKeyOfRequest(pem: string): Promise<Buffer | undefined> {
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    if (!(await request.verify())) return undefined
    const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined
    return key.export({ format: 'der', type: 'spki' })
  } catch {
    // The parser rejects malformed requests with errors of many kinds.
    return undefined
  }
}

async function issue(
  authority: KeyPair,
  publicKey: webcrypto.CryptoKey,
  commonName: string,
  validity: Validity,
  extensions: x509.Extension[],
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const { notBefore, notAfter } = validityOf(validity)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: [{ CN: [commonName] }],
    issuer: issuer.subject,
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: await importPrivateKey(authority.privateKey),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...extensions,
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return pemOf(certificate)
}

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

function validityOf({ from, lifetimeMs }: Validity): { notBefore: Date; notAfter: Date } {
  const tolerance = Math.min(CLOCK_TOLERANCE_MS, lifetimeMs / 10)
  return { notBefore: new Date(from.getTime() - tolerance), notAfter: new Date(from.getTime() + lifetimeMs) }
}

/** Random, and positive as a signed number. */
function newSerialNumber(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex')
}

const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString('pem').trim()}\n`

const privateKeyPem = ({ privateKey }: webcrypto.CryptoKeyPair): string =>
  KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()

async function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const base64 = pem.replace(/-----[^-]+-----|\s/g, '')
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(Buffer.from(base64, 'base64')), ALGORITHM, false, ['sign'])
}
