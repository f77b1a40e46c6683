import { inject } from 'vitest'
import { describeS3 } from './s3-conformance.ts'

const { endpoint, region, accessKeyId, secretAccessKey } = inject('lab').s3
describeS3('s3', {
  ...{ endpoint, region, accessKeyId, secretAccessKey },
  knowsConditions: false,
  hasPartsBucket: true,
})
