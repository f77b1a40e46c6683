import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '@osb-backup/storage'
import { type LabEnv, labUp } from '../../lab/index.ts'
import { environmentOf } from './contenders.ts'

const run = promisify(execFile)

/** Where a benchmark moves bytes: a bucket of its own in the lab, a folder, and a pair of keys. */
export interface Place {
  lab: LabEnv
  folder: string
  /** What commands see. */
  environment: Record<string, string>
  recipient: string
  identity: string
}

/** Creates a place, and removes it with all that was stored there when the work has ended. */
export async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const { env: lab } = await labUp()
  const folder = await mkdtemp(join(tmpdir(), 'osb-bench-'))
  const bucket = `bench-${randomUUID()}`
  const environment = environmentOf(lab, bucket, folder)
  const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
  const settings = { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey } as const
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  try {
    await writeFile(join(folder, 'destination.json'), JSON.stringify(settings))
    const { stderr } = await run('age-keygen', ['-o', join(folder, 'identity')])
    const recipient = stderr.replace('Public key: ', '').trim()
    const identity = identityIn(await readFile(join(folder, 'identity'), 'utf8'))
    await work({ lab, folder, environment: { ...environment, RECIPIENT: recipient }, recipient, identity })
  } finally {
    const store = openStore(settings)
    for await (const { name } of store.list('')) await store.remove(name)
    await client.send(new DeleteBucketCommand({ Bucket: bucket }))
    await emptySegments(lab, bucket)
    await rm(folder, { recursive: true })
  }
}

function identityIn(file: string): string {
  return file.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? ''
}

/** The containers that Swift and its S3 API keep parts in. */
async function emptySegments(lab: LabEnv, bucket: string): Promise<void> {
  for (const container of [`${bucket}+segments`, `${bucket}_segments`]) {
    const segments = openStore({ type: 'swift', ...lab.swift, container })
    try {
      for await (const { name } of segments.list('')) await segments.remove(name)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'absent')) throw error
    }
  }
}
