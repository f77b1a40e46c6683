import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { openStore, type S3Settings } from '@osb-backup/storage'
import { describeObjectStore } from './conformance.ts'

/** Where an S3 server is, and what it can do. */
interface S3Server {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  knowsConditions: boolean
  /** Whether it keeps parts in a bucket of their own until their upload is complete, and while the object lives. */
  hasPartsBucket: boolean
}

/** Registers the tests that every store passes, for an S3 server. */
export function describeS3(name: string, { knowsConditions, hasPartsBucket, ...server }: S3Server): void {
  const bucket = `conformance-${randomUUID()}`
  const settings: S3Settings = { type: 's3', ...server, bucket }
  const client = new S3Client({ ...server, forcePathStyle: true, credentials: server })
  const countParts = async () => {
    const listed = client.send(new ListObjectsV2Command({ Bucket: `${bucket}+segments` }))
    return (await listed.catch(() => ({ KeyCount: 0 }))).KeyCount ?? 0
  }

  describeObjectStore(name, {
    prepare: async () => {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
    },
    open: (options) => openStore(settings, options),
    openMissing: () => openStore({ ...settings, bucket: `missing-${randomUUID()}` }, { retry: false }),
    openWithWrongCredentials: () => openStore({ ...settings, secretAccessKey: 'wrong' }, { retry: false }),
    openUnreachable: () => openStore({ ...settings, endpoint: 'http://127.0.0.1:1' }, { retry: false }),
    countOrphans: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      return Uploads.length + (hasPartsBucket ? await countParts() : 0)
    },
    knowsConditions,
    boundaries: [5 * 1024 * 1024],
    cleanUp: async () => {
      await client.send(new DeleteBucketCommand({ Bucket: bucket }))
    },
  })
}
