import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { type AgentUnderTest, agentWith, backupBody, formOne, formTwo, restoreBody, today } from './agent-under-test.ts'

const dump = 'seq 1 200000\n'
const original = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('')
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')

/** Makes a pair of keys. */
async function pair() {
  const identity = await generateIdentity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** Opens what is encrypted, with one identity. */
async function opened(content: Buffer, identity: string): Promise<Buffer> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  return Buffer.from(await decrypter.decrypt(content))
}

/** Runs a backup to its end. */
async function backUp(under: AgentUnderTest, id: string, changes: Record<string, unknown> = {}) {
  expect(await under.call('POST', '/backup', backupBody(under, id, changes))).toMatchObject({ status: 201 })
  const job = await under.over('backup', id)
  return { job, path: join(under.bucket, 'plan', job.filename ?? '') }
}

const manifestAt = async (path: string) => JSON.parse(await readFile(`${path}.manifest.json`, 'utf8'))

test('a request says how to compress, else the settings do', async () => {
  const under = await agentWith(formTwo({ backup: dump }), { compression_algorithm: 'gzip', compression_level: '1' })
  const set = await backUp(under, 'set', { compression: true })
  expect(set.job.filename).toBe(`db-host_${today()}_db1.dump.gz`)
  expect(gunzipSync(await readFile(set.path)).toString()).toBe(original)
  const best = await backUp(under, 'best', { compression: true, compression_level: 9 })
  expect(best.job.filesize?.size).toBeLessThan(set.job.filesize?.size ?? 0)
  const zstd = await backUp(under, 'zstd', { compression: true, compression_algorithm: 'zstd', compression_level: 19 })
  expect(zstd.job.filename).toBe(`db-host_${today()}_db1.dump.zst`)
  expect(zstd.job).toMatchObject({ original_filesize: { size: original.length }, original_sha256: sha256(original) })
  for (const { job } of [best, zstd]) {
    const { filename = '', sha256: digest = '' } = job
    await under.call('PUT', '/restore', restoreBody(under, filename, { filename, sha256: digest }))
    expect(await under.over('restore', filename)).toMatchObject({ status: 'SUCCEEDED' })
    expect(await under.read('restored')).toBe(original)
  }
  for (const [wrong, message] of [
    [{ compression_level: 10 }, /^compression_level must be a whole number from 1 to 9 for gzip$/],
    [{ compression_level: 1.5, compression_algorithm: 'zstd' }, /from 1 to 19 for zstd$/],
    [{ compression_algorithm: 'xz' }, /^field compression_algorithm has the wrong type/],
  ] as const) {
    const { status, json } = await under.call('POST', '/backup', backupBody(under, 'wrong', wrong))
    expect([status, json.error_message]).toEqual([400, expect.stringMatching(message)])
  }
})

test('a recovery recipient can decrypt every encrypted backup, and none is encrypted for it alone', async () => {
  const [plan, operator, request] = await Promise.all([pair(), pair(), pair()])
  const under = await agentWith(formTwo({ backup: dump }), { recovery_recipients: operator.recipient })
  const recovery = { recovery_recipients: [request.recipient] }
  const sealed = await backUp(under, 'sealed', { encryption_key: plan.recipient, ...recovery })
  const content = await readFile(sealed.path)
  for (const { identity } of [plan, operator, request]) {
    expect((await opened(content, identity)).toString()).toBe(original)
  }
  expect((await manifestAt(sealed.path)).recipients).toEqual([plan.recipient, operator.recipient, request.recipient])
  const clear = await backUp(under, 'clear', recovery)
  expect(await readFile(clear.path, 'utf8')).toBe(original)
  const wrong = backupBody(under, 'x', { recovery_recipients: ['ssh-rsa AAAA'] })
  expect((await under.call('POST', '/backup', wrong)).json.error_message).toMatch(/^recovery_recipients must be age/)
})

test('a manifest beside the object describes it, without a secret', async () => {
  const { recipient } = await pair()
  const under = await agentWith(formTwo({ backup: dump }))
  const body = backupBody(under, 'x')
  const { job, path } = await backUp(under, 'x', {
    compression: true,
    encryption_key: recipient,
    plan: { id: 'plan-1', name: 'nightly' },
    backup: { ...body.backup, serviceInstance: { service_instance_id: 'instance-1', hosts: [1] } },
  })
  const manifest = await manifestAt(path)
  expect(manifest).toEqual({
    kind: 'osb-backup-object',
    version: 2,
    compressionRequested: true,
    object: `db-host_${today()}_db1.dump.zst.age`,
    instance: { id: 'instance-1' },
    plan: { id: 'plan-1', name: 'nightly' },
    item: 'db1',
    host: 'db-host',
    job: 'x',
    startedAt: expect.stringMatching(/Z$/),
    storedAt: expect.stringMatching(/Z$/),
    stored: { sizeBytes: job.filesize?.size, sha256: job.sha256 },
    chunks: { sizeBytes: 8 * 1024 * 1024, sha256: [job.sha256] },
    original: { sizeBytes: original.length, sha256: sha256(original) },
    transforms: { compression: 'zstd', encryption: 'age' },
    recipients: [recipient],
    scriptPack: { form: 2, name: 'test', type: '.dump' },
  })
  expect(job.root).toBe(sha256(await readFile(`${path}.manifest.json`)))
  expect(JSON.stringify(manifest)).not.toContain('db-password-1')
  const silent = await agentWith(formTwo({ backup: dump }), { write_manifests: 'false' })
  await backUp(silent, 'x')
  expect(await readdir(join(silent.bucket, 'plan'))).toEqual([`db-host_${today()}_db1.dump`])
})

test('the manifest of a file that scripts transformed says so', async () => {
  const under = await agentWith(formOne())
  const { path, job } = await backUp(under, 'x', { compression: true, encryption_key: 'a key of theirs' })
  const manifest = await manifestAt(path)
  expect(manifest).toMatchObject({
    transforms: { compression: 'none', encryption: 'script' },
    recipients: [],
    scriptPack: { form: 1 },
  })
  expect(manifest).not.toHaveProperty('original')
  expect(job).not.toHaveProperty('original_filesize')
  expect(JSON.stringify(manifest)).not.toContain('a key of theirs')
})

test('a dump whose manifest cannot be written is a failure that leaves nothing', async () => {
  const under = await agentWith(formTwo({ backup: dump }))
  const manifest = join(under.bucket, 'plan', `db-host_${today()}_db1.dump.manifest.json`)
  await mkdir(join(manifest, 'in-the-way'), { recursive: true })
  const { job } = await backUp(under, 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
  expect(job.error_message).toContain('.manifest.json')
  await rm(manifest, { recursive: true })
  expect(await under.objects()).toEqual([])
})

test('files of form 1 are compressed and encrypted where the settings say so, and come back as they were', async () => {
  const { identity, recipient } = await pair()
  const scripts = formOne({ backup: `${dump.trim()} > "$BACKUP_DIRECTORY/$5.txt"\n` })
  const under = await agentWith(scripts, { transform_files: 'true' })
  const { job, path } = await backUp(under, 'x', { compression: true, encryption_key: recipient })
  expect(job).toMatchObject({
    status: 'SUCCEEDED',
    compression: true,
    filename: `db-host_${today()}_db1.txt.zst.age`,
    original_filesize: { size: original.length },
  })
  expect(await manifestAt(path)).toMatchObject({ transforms: { compression: 'zstd', encryption: 'age' } })
  expect((await under.read('stages')).split('\n')[2]).toMatch(/ x false none$/)
  const sealed = await readFile(path)
  expect(sealed.length).toBeLessThan(original.length / 3)

  const { filename = '', sha256: digest = '' } = job
  // What was stored so comes back so, whatever the settings are now.
  const later = await agentWith(scripts)
  for (const name of [filename, `${filename}.manifest.json`]) {
    await mkdir(join(later.bucket, 'plan'), { recursive: true })
    await writeFile(join(later.bucket, 'plan', name), await readFile(join(under.bucket, 'plan', name)))
  }
  for (const agent of [under, later]) {
    await agent.call('PUT', '/restore', restoreBody(agent, 'no key', { filename }))
    const refused = await agent.over('restore', 'no key')
    expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'download' })
    expect(refused.error_message).toContain('encryption_key must be age identities')
    const source = { filename, sha256: digest, size: sealed.length }
    await agent.call('PUT', '/restore', restoreBody(agent, 'r', source, { encryption_key: identity }))
    expect(await agent.over('restore', 'r')).toMatchObject({ status: 'SUCCEEDED' })
    expect(await agent.read('restored')).toBe(original)
    expect(await agent.read('stages')).toContain(`db1 db-host_${today()}_db1.txt r false none\n`)
    expect(await readdir(join(agent.root, 'restores'))).toEqual([])
  }
  const theirs = backupBody(under, 'y', { encryption_key: 'a key of theirs' })
  expect((await under.call('POST', '/backup', theirs)).json.error_message).toMatch(/^encryption_key must be "none" or/)
})
