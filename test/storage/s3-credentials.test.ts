import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { failureCodeOf, openStore, type S3Settings, StoreError } from '@osb-backup/storage'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { cephUp } from '../../lab/index.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'

const { s3, roleArn } = await cephUp()
const { endpoint, region, accessKeyId, secretAccessKey } = s3
const bucket = `credentials-${randomUUID()}`
const settings: S3Settings = { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey }
/** More than one part. */
const size = 6 * 1024 * 1024

interface TemporaryCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
}
let temporary: TemporaryCredentials

beforeAll(async () => {
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: s3 })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  temporary = await assumeRole()
})

/** Temporary credentials of Ceph. */
async function assumeRole(): Promise<TemporaryCredentials> {
  const form = { Action: 'AssumeRole', RoleArn: roleArn, RoleSessionName: 'test', DurationSeconds: '3600' }
  const signed = ['--aws-sigv4', 'aws:amz:default:sts', '--user', `${accessKeyId}:${secretAccessKey}`]
  const sent = [...signed, '--data', String(new URLSearchParams(form)), endpoint]
  const { stdout } = await promisify(execFile)('curl', ['--silent', '--show-error', '--noproxy', '*', ...sent])
  const fieldOf = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(stdout)?.[1] ?? expect.fail(stdout)
  return {
    accessKeyId: fieldOf('AccessKeyId'),
    secretAccessKey: fieldOf('SecretAccessKey'),
    sessionToken: fieldOf('SessionToken'),
  }
}

async function roundTrip(store: ReturnType<typeof openStore>) {
  const name = randomUUID()
  await store.put(name, generated(size), { mustBeNew: true })
  expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
  await store.remove(name)
}

async function failureOf(call: () => Promise<unknown>): Promise<StoreError> {
  const error = await call().catch((thrown: unknown) => thrown)
  return error instanceof StoreError ? error : expect.fail(String(error))
}

test('temporary credentials are accepted with their session token, and with no other', async () => {
  await roundTrip(openStore({ ...settings, ...temporary }, { retry: false }))
  for (const wrong of [{ sessionToken: '' }, { sessionToken: `x${temporary.sessionToken.slice(1)}` }]) {
    const store = openStore({ ...settings, ...temporary, ...wrong }, { retry: false })
    const error = await failureOf(() => store.put('a', generated(10)))
    // Ceph does not always say that it is the token.
    expect(['denied', 'misconfigured']).toContain(error.code)
    expect(error.message).not.toContain(temporary.sessionToken.slice(1))
  }
})

describe('credentials that the program finds by itself', () => {
  afterEach(() => vi.unstubAllEnvs())

  const setEnvironment = (variables: Record<string, string>) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  }

  /** Starts a server in place of one of AWS, with what it answers. */
  async function startStandIn(answerTo: (request: IncomingMessage, body: string) => string): Promise<string> {
    const server = createServer(async (request, response) => {
      const answer = answerTo(request, await text(request))
      response.writeHead(answer === '' ? 404 : 200, { 'x-aws-ec2-metadata-token-ttl-seconds': '600' }).end(answer)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const expiration = () => new Date(Date.now() + 3_600_000).toISOString()
  const asJson = () =>
    JSON.stringify({
      ...{ Code: 'Success', Type: 'AWS-HMAC', Expiration: expiration(), Token: temporary.sessionToken },
      ...{ AccessKeyId: temporary.accessKeyId, SecretAccessKey: temporary.secretAccessKey },
    })

  // Ceph is real, and so are the credentials. Where AWS alone has what gives them out, a stand-in does.
  const sources: { what: string; from: NonNullable<S3Settings['credentialsFrom']>; prepare: () => Promise<void> }[] = [
    {
      what: 'in the environment',
      from: 'environment',
      async prepare() {
        setEnvironment({
          AWS_ACCESS_KEY_ID: temporary.accessKeyId,
          AWS_SECRET_ACCESS_KEY: temporary.secretAccessKey,
          AWS_SESSION_TOKEN: temporary.sessionToken,
        })
      },
    },
    {
      what: 'of the role of a machine (stand-in for the metadata service)',
      from: 'instanceProfile',
      async prepare() {
        const origin = await startStandIn(({ method, url = '', headers }) => {
          if (method === 'PUT' && url === '/latest/api/token') return 'metadata-token'
          if (headers['x-aws-ec2-metadata-token'] !== 'metadata-token') return ''
          const path = '/latest/meta-data/iam/security-credentials/'
          if (url === path) return 'role-of-the-machine'
          return url === `${path}role-of-the-machine` ? asJson() : ''
        })
        setEnvironment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: origin })
      },
    },
    {
      what: 'of the role of a container (stand-in for its endpoint)',
      from: 'instanceProfile',
      async prepare() {
        const origin = await startStandIn(({ url }) => (url === '/role' ? asJson() : ''))
        setEnvironment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/role` })
      },
    },
    {
      what: 'for a web identity (stand-in for the token service)',
      from: 'webIdentity',
      async prepare() {
        const origin = await startStandIn((_, body) => {
          const form = new URLSearchParams(body)
          const isRight = form.get('WebIdentityToken') === 'token-of-the-pod' && form.get('RoleArn') === roleArn
          const { accessKeyId: key, secretAccessKey: secret, sessionToken: token } = temporary
          const credentials = `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey>
            <SessionToken>${token}</SessionToken><Expiration>${expiration()}</Expiration>`
          return isRight && form.get('Action') === 'AssumeRoleWithWebIdentity'
            ? `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
                 <Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
            : ''
        })
        const folder = await makeTemporaryFolder()
        onTestFinished(() => folder[Symbol.asyncDispose]())
        const file = join(folder.path, 'token')
        await writeFile(file, 'token-of-the-pod')
        setEnvironment({
          AWS_ENDPOINT_URL_STS: origin,
          AWS_WEB_IDENTITY_TOKEN_FILE: file,
          AWS_ROLE_ARN: roleArn,
          AWS_REGION: 'us-east-1',
        })
      },
    },
  ]
  const withoutKey = { ...settings, accessKeyId: '', secretAccessKey: '' }

  test.each(sources)('are used where the operator allows them: $what', async ({ from, prepare }) => {
    await prepare()
    await roundTrip(openStore({ ...withoutKey, credentialsFrom: from }, { retry: false, credentialSources: [from] }))
    for (const credentialSources of [[], sources.map((each) => each.from).filter((each) => each !== from)]) {
      const store = openStore({ ...withoutKey, credentialsFrom: from }, { retry: false, credentialSources })
      const message = expect.stringContaining(`The operator does not allow S3 credentials from "${from}"`)
      expect(await failureOf(() => store.put('a', generated(10)))).toMatchObject({ code: 'denied', message })
    }
  })

  test.each(['environment', 'webIdentity'] as const)('that are not there are the cause (%s)', async (from) => {
    const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN']
    for (const name of names) vi.stubEnv(name, undefined)
    const store = openStore({ ...withoutKey, credentialsFrom: from }, { retry: false, credentialSources: [from] })
    const error = await failureOf(() => store.put('a', generated(10)))
    expect([error.code, failureCodeOf(error)]).toEqual(['denied', 'destination-credentials'])
    expect(error.message).toContain('no credentials were found where the destination says')
  })
})

// A stand-in: Ceph has one region. The proxy answers requests that are signed for another one as AWS does.
describe('a bucket in another region', () => {
  async function startRegion(name: string) {
    const proxy = await startFaultsProxy(endpoint)
    proxy.spoil(({ method, headers }) => {
      if (headers.authorization?.includes(`/${name}/s3/aws4_request`)) return undefined
      const body = method === 'HEAD' ? '' : '<?xml version="1.0"?><Error><Code>PermanentRedirect</Code></Error>'
      const told = { 'x-amz-bucket-region': name, 'x-amz-request-id': '1', 'content-type': 'application/xml' }
      return { kind: 'answer', status: 301, headers: told, body }
    })
    return proxy
  }

  test('is found by the answer of the server where the settings name none', async () => {
    await using proxy = await startRegion('eu-somewhere-2')
    const { region: _, ...anyRegion } = settings
    await roundTrip(openStore({ ...anyRegion, endpoint: proxy.origin }, { retry: { outageMs: 60_000 } }))
    const first = openStore({ ...anyRegion, endpoint: proxy.origin }, { retry: false })
    expect(await first.head('absent')).toBeUndefined()
    expect(await Array.fromAsync(first.list(''))).toEqual([])
  })

  test('is the cause, with its name, where the settings name another', async () => {
    await using proxy = await startRegion('eu-somewhere-2')
    const store = openStore({ ...settings, endpoint: proxy.origin }, { retry: false })
    const message = expect.stringContaining('the bucket is in the region "eu-somewhere-2"; correct the region')
    const calls = [
      () => store.head('a'),
      () => store.get('a'),
      () => store.put('a', generated(size)),
      () => store.remove('a'),
    ]
    for (const call of calls) {
      const error = await failureOf(call)
      expect(error).toMatchObject({ code: 'misconfigured', message })
      expect(failureCodeOf(error)).toBe('destination-region')
    }
  })
})
