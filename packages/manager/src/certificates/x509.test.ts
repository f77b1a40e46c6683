import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { expect, test } from 'vitest'
import { createAuthority, issueClientCertificate, issueServerCertificate, publicKeyOfRequest } from './x509.ts'

const now = new Date('2046-03-01T02:00:00.000Z')
const DAY_MS = 86_400_000
const SERVER_USE = '1.3.6.1.5.5.7.3.1'
const CLIENT_USE = '1.3.6.1.5.5.7.3.2'

/** A signing request that claims a name. */
async function requestFor(namedCurve = 'P-256'): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve, hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=other.example',
    keys,
    signingAlgorithm: algorithm,
  })
  return request.toString('pem')
}

async function issueFor(host: string) {
  const authority = await createAuthority(now)
  const publicKey = (await publicKeyOfRequest(await requestFor())) as Buffer
  const pem = await issueServerCertificate(
    authority,
    { publicKey, host, id: 'agent-1' },
    { from: now, lifetimeMs: DAY_MS },
  )
  return { ca: new X509Certificate(authority.certificate), issued: new X509Certificate(pem), publicKey }
}

test.each([
  ['10.0.0.5', 'IP Address:10.0.0.5'],
  ['2001:db8::5', 'IP Address:2001:DB8:0:0:0:0:0:5'],
  ['db-1.example', 'DNS:db-1.example'],
])('the certificate of an agent has the name %s alone, and is for servers', async (host, names) => {
  const { ca, issued, publicKey } = await issueFor(host)
  expect(issued.subjectAltName).toBe(names)
  expect(issued.subject).toBe('CN=agent-1')
  expect(issued.keyUsage).toEqual([SERVER_USE])
  expect([issued.ca, ca.ca]).toEqual([false, true])
  expect(issued.checkIssued(ca) && issued.verify(ca.publicKey)).toBe(true)
  expect(issued.publicKey.export({ format: 'der', type: 'spki' }).equals(publicKey)).toBe(true)
  expect(issued.validFromDate < now).toBe(true)
  expect(issued.validToDate).toEqual(new Date(now.getTime() + DAY_MS))
})

test('the certificate of a manager is for clients, and no certificate outlives its CA', async () => {
  const authority = await createAuthority(now)
  const { certificate } = await issueClientCertificate(authority, { from: now, lifetimeMs: 40_000 * DAY_MS })
  const issued = new X509Certificate(certificate)
  expect(issued.keyUsage).toEqual([CLIENT_USE])
  expect(issued.validToDate).toEqual(new X509Certificate(authority.certificate).validToDate)
})

test('a request counts only with the signature of its key, on the expected curve', async () => {
  const request = await requestFor()
  expect(await publicKeyOfRequest(request)).toBeDefined()
  expect(await publicKeyOfRequest(await requestFor('P-384'))).toBeUndefined()
  const der = Buffer.from(request.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  for (let at = 0; at < der.length; at += 7) {
    const changed = Buffer.from(der)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
    expect(await publicKeyOfRequest(pem)).toBeUndefined()
  }
  for (const text of ['', 'x', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----']) {
    expect(await publicKeyOfRequest(text)).toBeUndefined()
  }
})
