import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { openStore, type S3Settings } from '@osb-backup/storage'
import { inject } from 'vitest'
import { describeObjectStore } from './conformance.ts'

const { endpoint, region, accessKeyId, secretAccessKey } = inject('lab').s3
const bucket = `conformance-${randomUUID()}`
const settings: S3Settings = { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey }
const client = new S3Client({
  endpoint,
  region,
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
})

/** The lab's S3 keeps its parts in this bucket until their upload is complete, and while the object lives. */
const partsBucket = `${bucket}+segments`

describeObjectStore('s3', {
  prepare: async () => {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  },
  open: (options) => openStore(settings, options),
  openMissing: () => openStore({ ...settings, bucket: `missing-${randomUUID()}` }, { retry: false }),
  openWithWrongCredentials: () => openStore({ ...settings, secretAccessKey: 'wrong' }, { retry: false }),
  openUnreachable: () => openStore({ ...settings, endpoint: 'http://127.0.0.1:1' }, { retry: false }),
  countOrphans: async () => {
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    const parts = await client.send(new ListObjectsV2Command({ Bucket: partsBucket })).catch(() => ({ KeyCount: 0 }))
    return (uploads.Uploads ?? []).length + (parts.KeyCount ?? 0)
  },
  knowsConditions: false,
  boundaries: [5 * 1024 * 1024],
  cleanUp: async () => {
    await client.send(new DeleteBucketCommand({ Bucket: bucket }))
  },
})
