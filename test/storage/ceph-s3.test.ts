import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, DeleteBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore, type S3Settings } from '@osb-backup/storage'
import { cephUp } from '../../lab/index.ts'
import { describeObjectStore } from './conformance.ts'

const { kmsKeyId: _, ...s3 } = (await cephUp()).s3
const bucket = `conformance-${randomUUID()}`
const settings: S3Settings = { type: 's3', ...s3, bucket }
const client = new S3Client({ ...s3, forcePathStyle: true, credentials: s3 })

describeObjectStore('s3 of Ceph', {
  prepare: async () => {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  },
  open: (options) => openStore(settings, options),
  openMissing: () => openStore({ ...settings, bucket: `missing-${randomUUID()}` }, { retry: false }),
  openWithWrongCredentials: () => openStore({ ...settings, secretAccessKey: 'wrong' }, { retry: false }),
  openUnreachable: () => openStore({ ...settings, endpoint: 'http://127.0.0.1:1' }, { retry: false }),
  countOrphans: async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    return Uploads.length
  },
  knowsConditions: true,
  boundaries: [5 * 1024 * 1024],
  cleanUp: async () => {
    await client.send(new DeleteBucketCommand({ Bucket: bucket }))
  },
})
