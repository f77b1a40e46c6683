import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '@osb-backup/storage'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { generated, generatedSha256, sizeAndSha256 } from '../storage/generated.ts'
import { SwiftAccount } from '../storage/swift-account.ts'

const command = join(import.meta.dirname, '../../packages/cli/src/main.ts')
const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const bucket = `command-${randomUUID()}`
const folder = await mkdtemp(join(tmpdir(), 'osb-command-'))
const destination = join(folder, 'destination.json')

beforeAll(async () => {
  await account.makeContainer(bucket)
  await writeFile(destination, JSON.stringify({ type: 's3', ...lab.s3, bucket }))
})
afterAll(async () => {
  for (const container of [`${bucket}+segments`, bucket]) await account.removeContainer(container)
  await rm(folder, { recursive: true })
})

/** Runs the command to its end. */
async function run(args: readonly string[], input: Readable = Readable.from([])) {
  const child = spawn(process.execPath, [command, 'object', ...args], { env: { PATH: process.env.PATH } })
  // It may end before it has read all.
  const fed = pipeline(input, child.stdin).catch(() => undefined)
  const ended = once(child, 'close') as Promise<[number]>
  const [[status], output, errors] = await Promise.all([ended, buffer(child.stdout), text(child.stderr), fed])
  return { status, output, errors }
}

const size = 20_000_000
describe('the command', () => {
  test('stores standard input, verifies, lists and reads it back', async () => {
    const identity = await generateX25519Identity()
    const recipient = await identityToRecipient(identity)
    await writeFile(join(folder, 'identity'), `# made by a test\n${identity}\n`)
    const place = ['a/dump.zst.age', '--destination', destination]
    const transforms = ['--recipient', recipient, '--compression', 'zstd', '--level', '1']
    const stored = await run(['put', ...place, ...transforms], generated(size))
    expect(stored.errors).toBe('')
    const { sha256, ...original } = JSON.parse(stored.output.toString())
    expect(original).toMatchObject({ originalSizeBytes: size, originalSha256: generatedSha256(size) })

    const loaded = await run(['get', ...place, '--identity-file', join(folder, 'identity')])
    expect(loaded).toMatchObject({
      status: 0,
      errors: expect.stringMatching(/^"a\/dump.zst.age" has no manifest, so it is not/),
    })
    const bytes = await sizeAndSha256(Readable.from([loaded.output]))
    expect(bytes).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    expect(await run(['verify', ...place, '--sha256', sha256])).toMatchObject({ status: 0 })
    const listed = await run(['list', 'a/', '--destination', destination])
    expect(listed.output.toString()).toBe('a/dump.zst.age\n')

    const unknown = await run(['verify', ...place])
    expect(unknown).toMatchObject({ status: 2, errors: expect.stringContaining('has no manifest to compare it with') })
    const unlisted = await run(['verify', ...place, '--root', '0'.repeat(64)])
    expect(unlisted).toMatchObject({ status: 1, errors: expect.stringContaining('has no manifest') })

    const other = await run(['verify', ...place, '--sha256', '0'.repeat(64)])
    expect(other).toMatchObject({ status: 1, errors: expect.stringContaining('was recorded') })
    const keyless = await run(['get', ...place])
    expect(keyless).toMatchObject({ status: 1, errors: expect.stringContaining('no age identity') })
    await openStore(JSON.parse(await readFile(destination, 'utf8'))).remove('a/dump.zst.age')
  })

  test('leaves nothing of an upload when Ctrl-C arrives twice, as it does below npm', async () => {
    const args = ['put', 'a/stopped', '--destination', destination]
    const child = spawn(process.execPath, [command, 'object', ...args], { env: { PATH: process.env.PATH } })
    const said = text(child.stderr)
    const ended = once(child, 'close') as Promise<[number | null]>
    // More than one part, and no end.
    await pipeline(generated(size), child.stdin, { end: false })
    await expect.poll(() => account.list(`${bucket}+segments`)).not.toEqual([])
    child.kill('SIGINT')
    await sleep(10)
    child.kill('SIGINT')
    expect(await ended).toEqual([130, null])
    expect(await said).toContain('interrupted by SIGINT')
    expect(await account.list(`${bucket}+segments`)).toEqual([])
    expect(await account.list(bucket)).toEqual([])
  })

  test('reports a mistake in the command line without showing a secret', async () => {
    for (const [args, said] of [
      [['put', 'x'], "required option '--destination <file>' not specified"],
      [['fetch', 'x'], "unknown command 'fetch'"],
      [['put', 'x', '--destination', join(folder, 'none')], 'cannot be read: ENOENT'],
      [['put', 'x', '--destination', destination, '--compression', 'rar'], 'Allowed choices are none, gzip, zstd'],
      [['put', 'x', '--destination', destination, '--unknown'], "unknown option '--unknown'"],
    ] as const) {
      const { status, errors } = await run(args)
      expect(status).toBe(2)
      expect(errors).toContain(said)
      expect(errors).not.toContain(lab.s3.secretAccessKey)
    }
    const { status, output } = await run(['--help'])
    expect(status).toBe(0)
    expect(output.toString()).toContain('Usage: osb-backup object')
  })
})
