import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DBRef, EJSON, Long, ObjectId, serialize } from 'bson'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDocuments } from './documents.ts'
import type { PlainDocument } from './plain-document.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'documents-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(name: string, content: Buffer | string): Promise<PlainDocument[]> {
  const path = join(folder, name)
  await writeFile(path, content)
  return Array.fromAsync(readDocuments(path, AbortSignal.timeout(30_000)))
}

const id = '607550d0c2a1b3d4e5f60718'
const documents = [1, 2, 3].map((n) => ({
  _id: new ObjectId(id),
  serviceInstance: new DBRef('serviceInstance', `i-${n}` as unknown as ObjectId),
  backupPlan: new DBRef('backupPlan', new ObjectId(id)),
  startDate: new Date('2021-04-13T08:00:00.123Z'),
  size: Long.fromNumber(5_000_000_000 + n),
  paused: true,
  nested: { items: ['db1', null], text: 'x'.repeat(70_000) },
}))
const expected = [1, 2, 3].map((n) => ({
  _id: id,
  serviceInstance: `i-${n}`,
  backupPlan: id,
  startDate: new Date('2021-04-13T08:00:00.123Z'),
  size: 5_000_000_000 + n,
  paused: true,
  nested: { items: ['db1', undefined], text: 'x'.repeat(70_000) },
}))
const bson = Buffer.concat(documents.map((each) => serialize(each)))
const json = (relaxed: boolean, legacy = false) =>
  documents.map((each) => EJSON.stringify(each, undefined, 0, { relaxed, legacy })).join('\n')

test.for([
  ['a.bson', bson],
  ['a.bson.gz', gzipSync(bson)],
  ['v2-relaxed.json', json(true)],
  ['v2-canonical.json', `\uFEFF${json(false)}\n\n`],
  ['v1.json', json(false, true)],
  ['array.json', `[${json(true).replaceAll('\n', ',')}]`],
] as const)('%s is read into the same documents', async ([name, content]) => {
  expect(await read(name, content)).toEqual(expected)
})

const lie = Buffer.from(bson)
lie.writeInt32LE(2_000_000_000, 0)
const negative = Buffer.from(bson)
negative.writeInt32LE(-1, 0)
const garbled = Buffer.from(bson)
garbled.fill(0xff, 60, 90)

test.for([
  ['cut.bson', bson.subarray(0, bson.length - 10), /ends in the middle of the document at byte \d+: it was cut off/],
  ['three-bytes.bson', bson.subarray(0, 3), /ends in the middle of the document at byte 0/],
  ['huge.bson', lie, /byte 0 claims 2000000000 bytes/],
  ['negative.bson', negative, /byte 0 claims -1 bytes/],
  ['garbled.bson', garbled, /the document at byte 0 is no valid BSON/],
  ['text.bson', '{"_id": 1, "secret": "hunter2"}\n', /claims \d+ bytes/],
  ['cut.bson.gz', gzipSync(bson).subarray(0, 100), /cannot be read: Z_BUF_ERROR/],
  ['no.bson.gz', bson, /cannot be read: Z_DATA_ERROR/],
  [
    'pretty.json',
    '{\n  "password": "hunter2"\n}\n',
    /line 1 is no document in \(extended\) JSON: export it without --pretty/,
  ],
  ['cut.json', json(true).slice(0, -5), /line 3 is no document/],
  ['scalar.json', '7\n', /cannot be read/],
  ['deep.json', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, /cannot be read/],
] as const)('%s is refused by name, without a word of its content', async ([name, content, problem]) => {
  const failure = await read(name, content).catch((error: Error) => error)
  expect(failure).toMatchObject({ name: 'RequestError', message: expect.stringMatching(problem) })
  expect(String(failure)).toContain(name)
  expect(String(failure)).not.toContain('hunter2')
})
