import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type Compression, transformSuffix } from '@osb-backup/core'
import { openStore, removeWithManifest, type StoreSettings, storeContent, writeManifest } from '@osb-backup/storage'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { dropDatabase, fillDatabase, fingerprintOf, recreateDatabase } from '../main-job/databases.ts'
import { SwiftAccount } from './swift-account.ts'

const project = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const { url, host, port, username, password, bin } = lab.postgresql
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const bucket = `recovery-${randomUUID()}`
const source = `recovery-${randomUUID()}`
const target = `recovery-${randomUUID()}`
const folder = await mkdtemp(join(tmpdir(), 'osb-recovery-'))

/** The commands of docs/recovery.md by the names beside their fences, but for those about the manager. */
const blocks = new Map(
  [
    ...(await readFile(join(project, 'docs/recovery.md'), 'utf8')).matchAll(/^```sh (?!manager-)(\S+)\n(.*?)^```$/gms),
  ].map(([, name = '', commands = '']) => [name, commands]),
)
/** Blocks that no test has run. */
const untested = new Set(blocks.keys())

const stores = {
  s3: { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey },
  swift: { type: 'swift', ...lab.swift, container: bucket },
} as const satisfies Record<string, StoreSettings>

const environment = {
  PATH: `${bin}:${process.env.PATH}`,
  HOME: folder,
  PGHOST: host,
  PGPORT: String(port),
  PGUSER: username,
  PGPASSWORD: password,
  DATABASE: target,
  S3_URL: endpoint,
  S3_REGION: region,
  BUCKET: bucket,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  OS_AUTH_URL: lab.swift.authUrl,
  OS_DOMAIN: lab.swift.domain,
  OS_PROJECT_NAME: lab.swift.projectName,
  OS_USERNAME: lab.swift.username,
  OS_PASSWORD: lab.swift.password,
  CONTAINER: bucket,
  IDENTITY: join(folder, 'identity'),
  DESTINATION: join(folder, 'destination.json'),
}

let recipients: string[]
beforeAll(async () => {
  await account.makeContainer(bucket)
  await recreateDatabase(url, source)
  await fillDatabase(url, source, 2000)
  // The plan's own, which nobody here has, and the operator's, made by age's own tool.
  const own = await identityToRecipient(await generateX25519Identity())
  const { stderr } = await run('age-keygen', ['-o', environment.IDENTITY])
  recipients = [own, stderr.replace('Public key: ', '').trim()]
  await writeFile(environment.DESTINATION, JSON.stringify(stores.s3))
})
afterAll(async () => {
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
  for (const database of [source, target]) await dropDatabase(url, database)
  await rm(folder, { recursive: true })
})

/** Dumps the database into a store, as an agent does. */
async function backUp(
  settings: StoreSettings,
  compression: Compression,
  encrypted: boolean,
): Promise<{ name: string; root: string }> {
  const name = `plan/${randomUUID()}.dump${transformSuffix({ compression, encrypted })}`
  const env = { ...environment, PGDATABASE: source }
  const dump = spawn('pg_dump', ['--format=custom', '--compress=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const store = openStore(settings, { partSizeBytes: 5 * 1024 ** 2, segmentSizeBytes: 1024 ** 2 })
  const chosen = encrypted ? recipients : []
  const stored = await storeContent(store, name, dump.stdout, { compression, recipients: chosen })
  const now = new Date().toISOString()
  const { root } = await writeManifest(store, name, {
    item: source,
    startedAt: now,
    storedAt: now,
    stored: { sizeBytes: stored.sizeBytes, sha256: stored.sha256 },
    chunks: { sizeBytes: stored.chunks.chunkBytes, sha256: [...stored.chunks.sha256] },
    original: { sizeBytes: stored.originalSizeBytes, sha256: stored.originalSha256 },
    transforms: { compression, encryption: encrypted ? 'age' : 'none' },
    recipients: chosen,
  })
  return { name, root }
}

/** Runs blocks of the page, one after the other in one shell, in an empty folder with the project beside it. */
async function runBlocks(
  names: readonly string[],
  { name: object, root }: { name: string; root: string },
): Promise<string> {
  const script = names.map((name) => blocks.get(name) ?? `echo "no block ${name}" >&2; exit 1`).join('\n')
  // Our own command is run in the repository, and writes no files.
  const cwd = names.includes('restore-with-command') ? project : await mkdtemp(join(folder, 'work-'))
  const env = { ...environment, OBJECT: object, ROOT: root, FILE: object.slice(object.lastIndexOf('/') + 1) }
  for (const name of names) untested.delete(name)
  const { stdout } = await run('bash', ['-euc', script], { cwd, env })
  return stdout
}

test.each([
  {
    what: 'S3 with curl, zstd and age, step by step',
    store: stores.s3,
    compression: 'zstd',
    encrypted: true,
    names: ['fetch-s3', 'check', 'open-age', 'open-zstd', 'check-original', 'restore'],
  },
  {
    what: 'Swift, zstd and age, in one pipe',
    store: stores.swift,
    compression: 'zstd',
    encrypted: true,
    names: ['fetch-swift', 'check', 'restore-in-one'],
  },
  {
    what: 'S3 with the AWS CLI, gzip and age',
    store: stores.s3,
    compression: 'gzip',
    encrypted: true,
    names: ['fetch-aws', 'check', 'open-age', 'open-gzip', 'check-original', 'restore'],
  },
  {
    what: 'Swift, neither compressed nor encrypted',
    store: stores.swift,
    compression: 'none',
    encrypted: false,
    names: ['fetch-swift', 'check', 'check-root', 'check-chunks', 'check-original', 'restore'],
  },
  {
    what: 'our own command',
    store: stores.s3,
    compression: 'zstd',
    encrypted: true,
    names: ['restore-with-command'],
  },
] as const)('a backup is restored as docs/recovery.md says: $what', (way) => runAs(way, way.names))

async function runAs(
  { store, compression, encrypted }: { store: StoreSettings; compression: Compression; encrypted: boolean },
  names: readonly string[],
): Promise<void> {
  await recreateDatabase(url, target)
  const object = await backUp(store, compression, encrypted)
  const said = await runBlocks(names, object)
  if (names.includes('check')) expect(said).toMatch(/: OK$/m)
  expect(await fingerprintOf(url, target)).toEqual(await fingerprintOf(url, source))
  if (names.includes('check-chunks')) expect(said).toMatch(/^chunks: OK$/m)
  await removeWithManifest(openStore(store), object.name)
}

test('the commands of docs/recovery.md find a damaged chunk, and an object with a manifest of its own', async () => {
  const large = `plan/${randomUUID()}`
  const store = openStore(stores.s3)
  const content = Buffer.alloc(17 * 1024 ** 2, 'large')
  const stored = await storeContent(store, large, Readable.from([content]), { compression: 'none', recipients: [] })
  const now = new Date().toISOString()
  const { root } = await writeManifest(store, large, {
    item: source,
    startedAt: now,
    storedAt: now,
    stored: { sizeBytes: stored.sizeBytes, sha256: stored.sha256 },
    chunks: { sizeBytes: stored.chunks.chunkBytes, sha256: [...stored.chunks.sha256] },
    transforms: { compression: 'none', encryption: 'none' },
    recipients: [],
  })
  const object = { name: large, root }
  expect(await runBlocks(['fetch-s3', 'check-root', 'check-chunks'], object)).toMatch(/^chunks: OK$/m)
  await expect(runBlocks(['fetch-s3', 'check-root'], { ...object, root: '0'.repeat(64) })).rejects.toMatchObject({
    stdout: expect.stringContaining('FAILED'),
  })
  content[9 * 1024 ** 2] = 0
  // Swift's S3 API keeps the parts of what is replaced.
  await store.remove(large)
  await store.put(large, Readable.from([content]))
  await expect(runBlocks(['fetch-s3', 'check-root', 'check-chunks'], object)).rejects.toMatchObject({
    stdout: expect.stringContaining('line 2'),
  })
  await removeWithManifest(store, large)
})

test('every command of the page is tested', () => {
  expect([...untested]).toEqual([])
})
