import { expect, test } from 'vitest'
import { errorCode, errorMessage } from './errors.ts'

const refused = (address: string) =>
  Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' })

test.for([
  [new Error('disk full'), 'disk full'],
  ['thrown text', 'thrown text'],
  [undefined, 'undefined'],
  [
    new AggregateError([refused('::1:1'), refused('127.0.0.1:1')]),
    'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
  ],
  [new AggregateError([new Error('one')], 'both failed'), 'both failed'],
  [Object.assign(new Error(''), { code: 'EPIPE' }), 'EPIPE'],
  [new TypeError(''), 'TypeError'],
])('the message of %j is %j', ([error, message]) => {
  expect(errorMessage(error)).toBe(message)
})

test('an error has a code only where it is a text', () => {
  expect(errorCode(refused('::1'))).toBe('ECONNREFUSED')
  expect(errorCode(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined()
  expect(errorCode({ code: 'ENOENT' })).toBeUndefined()
})
