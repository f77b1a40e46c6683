import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { DestinationCreate } from '@osb-backup/protocol/v1'
import type { StoreSettings } from '@osb-backup/storage'
import { inject } from 'vitest'
import { s3Settings, s3Store, swiftSettings, swiftStore } from '../fixtures/lab-stores.ts'
import { SwiftAccount } from '../storage/swift-account.ts'

const BUCKET = 'main-job-bucket'
const CONTAINER = 'main-job-container'

/** What a test says of a destination; the instance is added. */
export type DestinationFields = Omit<DestinationCreate, 'instanceId'>

/** Makes bucket and container, unless they are there. */
export async function makePlaces(): Promise<void> {
  await new SwiftAccount(inject('lab').swift).makeContainer(CONTAINER)
  await makeBucket()
}

/** Makes the bucket, unless it is there. */
export async function makeBucket(): Promise<void> {
  const { s3 } = inject('lab')
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((error: unknown) => {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error
  })
  client.destroy()
}

/**
 * The three kinds of destinations, each as the API takes it and as the storage room opens it.
 *
 * @param folder - For the file destination.
 */
export function places(folder: string) {
  return {
    s3: {
      destination: {
        name: 's3',
        store: s3Store(BUCKET),
      },
      store: s3Settings(BUCKET),
    },
    swift: {
      destination: {
        name: 'swift',
        store: swiftStore(CONTAINER),
      },
      store: swiftSettings(CONTAINER),
    },
    file: {
      destination: { name: 'file', store: { kind: 'file', directory: folder } },
      store: { type: 'file', directory: folder },
    },
  } as const satisfies Record<string, { destination: DestinationFields; store: StoreSettings }>
}
