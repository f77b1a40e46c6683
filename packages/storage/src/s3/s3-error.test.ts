import { S3ServiceException } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { StoreError, type StoreErrorCode } from '../store-error.ts'
import { toS3StoreError, toS3UploadError } from './s3-error.ts'

/** An answer as the SDK throws it. */
function answer(name: string, httpStatusCode: number): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', message: 'of the server', $metadata: { httpStatusCode } })
}

/** One whose name the SDK does not know. */
function unknownAnswer(code: string, httpStatusCode: number): S3ServiceException {
  return Object.assign(answer('UnknownError', httpStatusCode), { Code: code })
}

describe('an answer of S3', () => {
  test.each<[string, number, StoreErrorCode]>([
    ['EntityTooLarge', 400, 'full'],
    ['EntityTooLarge', 413, 'full'],
    ['QuotaExceeded', 403, 'full'],
    ['XMinioStorageFull', 507, 'full'],
    ['InsufficientStorage', 507, 'full'],
    ['AccessDenied', 403, 'denied'],
    ['Forbidden', 403, 'denied'],
    ['NoSuchBucket', 404, 'absent'],
    ['PreconditionFailed', 412, 'replaced'],
    ['SlowDown', 503, 'temporary'],
    ['InternalError', 500, 'temporary'],
    ['BadGateway', 502, 'temporary'],
    ['KeyTooLongError', 400, 'invalid-name'],
    ['PermanentRedirect', 301, 'misconfigured'],
    ['MalformedXML', 400, 'misconfigured'],
    ['NotImplemented', 501, 'misconfigured'],
    ['RequestTimeTooSkewed', 403, 'misconfigured'],
  ])('%s with status %i means: %s', (name, status, code) => {
    for (const thrown of [answer(name, status), unknownAnswer(name, status)]) {
      const error = toS3StoreError(thrown, 'store "a"')
      expect(error.code).toBe(code)
      expect(error.message).toMatch(new RegExp(`^Could not store "a": .* \\(${name}, ${status}\\)\\.$`))
      expect(error.message).not.toContain('of the server')
    }
  })

  test('that it is full says what to check', () => {
    expect(toS3UploadError(unknownAnswer('QuotaExceeded', 403), 'store "a"').message).toBe(
      'Could not store "a": no space or quota is left, or the object is larger than it takes (QuotaExceeded, 403).',
    )
  })

  test.each<[string, number, string]>([
    ['NotImplemented', 501, 'this store does not support that, or a header of it; another attempt will not help'],
    ['RequestTimeTooSkewed', 403, 'the clocks of this machine and of the store differ too much; correct them'],
    ['InvalidAccessKeyId', 403, 'the access key is not known there'],
    ['SignatureDoesNotMatch', 403, 'the secret does not belong to the access key'],
    ['PermanentRedirect', 301, 'the bucket is in another region; correct the region, or the endpoint'],
  ])('%s names the cause', (name, status, cause) => {
    expect(toS3StoreError(answer(name, status), 'store "a"').message).toBe(
      `Could not store "a": ${cause} (${name}, ${status}).`,
    )
  })

  test('without a body names the cause by its status, and the region of the bucket where the store reports it', () => {
    const elsewhere = Object.assign(answer('Unknown', 301), {
      $response: { headers: { 'x-amz-bucket-region': 'eu-central-1' } },
    })
    expect(toS3StoreError(elsewhere, 'read "a"').message).toBe(
      'Could not read "a": the bucket is in the region "eu-central-1"; correct the region, or the endpoint (301).',
    )
    expect(toS3StoreError(answer('Unknown', 400), 'read "a"').message).toBe(
      'Could not read "a": the store rejects the request without a reason; check region, bucket and endpoint (400).',
    )
    expect(toS3StoreError(answer('Unknown', 403), 'read "a"').message).toBe(
      'Could not read "a": access key and secret are wrong or do not allow this (403).',
    )
  })

  test('that a condition does not hold means for an upload that the object exists', () => {
    expect(toS3UploadError(answer('PreconditionFailed', 412), 'store "a"').code).toBe('exists')
  })
})

test('a connection to S3 that broke is temporary, and a StoreError stays as it is', () => {
  const broken = Object.assign(new Error('of the system'), { code: 'ECONNRESET' })
  expect(toS3StoreError(broken, 'read "a"').code).toBe('temporary')
  const error = new StoreError('full', 'It is full.')
  expect(toS3StoreError(error, 'read "a"')).toBe(error)
})
