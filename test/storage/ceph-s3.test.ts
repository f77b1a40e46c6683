import { cephUp } from '../../lab/index.ts'
import { describeS3 } from './s3-conformance.ts'

const { endpoint, region, accessKeyId, secretAccessKey } = (await cephUp()).s3
describeS3('s3 of Ceph', {
  ...{ endpoint, region, accessKeyId, secretAccessKey },
  knowsConditions: true,
  hasPartsBucket: false,
})
