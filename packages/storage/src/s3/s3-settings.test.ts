import { expect, test } from 'vitest'
import { regionOf } from './s3-settings.ts'

test.each([
  ['https://s3.eu-central-1.amazonaws.com', 'eu-central-1'],
  ['https://s3-eu-west-1.amazonaws.com', 'eu-west-1'],
  ['https://s3.dualstack.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['https://bucket.s3.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['https://s3.eu-central-003.backblazeb2.com', 'eu-central-003'],
  ['https://s3.nl-ams.scw.cloud', 'nl-ams'],
  ['https://s3.ap-northeast-1.wasabisys.com', 'ap-northeast-1'],
  ['s3.gra.io.cloud.ovh.net', 'gra'],
  ['https://fra1.digitaloceanspaces.com', 'fra1'],
  ['https://fsn1.your-objectstorage.com', 'fsn1'],
  ['https://eu-central-1.linodeobjects.com', 'eu-central-1'],
  ['https://account.r2.cloudflarestorage.com', 'auto'],
  ['https://s3.amazonaws.com', undefined],
  ['http://10.0.0.5:9000', undefined],
  ['https://s3.eu-central-1.amazonaws.com.attacker.example', undefined],
  ['', undefined],
])('the region of %s is %s unless the settings name one', (endpoint, region) => {
  expect(regionOf({ endpoint })).toBe(region)
  expect(regionOf({ endpoint, region: ' ' })).toBe(region)
  expect(regionOf({ endpoint, region: ' mine ' })).toBe('mine')
})
