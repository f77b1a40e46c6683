import { describe, expect, test } from 'vitest'
import { StoreError, type StoreErrorCode } from '../store-error.ts'
import { toSwiftStoreError, toSwiftUploadError, UnexpectedStatus } from './swift-error.ts'

const systemError = (code: string) => Object.assign(new Error('of the system'), { code })

describe('an answer of Swift', () => {
  test.each<[number, StoreErrorCode]>([
    [400, 'misconfigured'],
    [401, 'denied'],
    [403, 'denied'],
    [404, 'absent'],
    [408, 'temporary'],
    [409, 'temporary'],
    [412, 'replaced'],
    [413, 'full'],
    [416, 'replaced'],
    [422, 'temporary'],
    [429, 'temporary'],
    [498, 'temporary'],
    [500, 'temporary'],
    [503, 'temporary'],
    [507, 'full'],
  ])('of status %i means: %s', (status, code) => {
    const error = toSwiftStoreError(new UnexpectedStatus(status), 'store "a"')
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(`^Could not store "a": .* \\(${status}\\)\\.$`),
    })
  })

  test('that it is full says what to check', () => {
    expect(toSwiftUploadError(new UnexpectedStatus(413), 'store "a"').message).toBe(
      'Could not store "a": no space or quota is left, or the object is larger than it takes (413).',
    )
  })

  test('that a condition does not hold means for an upload that the object exists', () => {
    expect(toSwiftUploadError(new UnexpectedStatus(412), 'store "a"').code).toBe('exists')
  })
})

test('a connection to Swift that broke is temporary, and a StoreError stays as it is', () => {
  expect(toSwiftStoreError(systemError('ECONNRESET'), 'read "a"').code).toBe('temporary')
  const error = new StoreError('full', 'It is full.')
  expect(toSwiftStoreError(error, 'read "a"')).toBe(error)
})
