import { expect, test } from 'vitest'
import { statusOfSegmentProblems } from './segment-problems.ts'

const rejected = (...problems: unknown[]) =>
  JSON.stringify({ Errors: problems.map((problem, index) => [`/segments/${index}`, problem]) })

test.each([
  ['a token that was rejected', rejected('401 Unauthorized', '401 Unauthorized'), 401],
  ['a token that expired in between', rejected('503 Service Unavailable', '401 Unauthorized'), 401],
  ['servers that were busy', rejected('503 Service Unavailable', '499 Client Disconnect'), 503],
  ['a segment that is another', rejected('Etag Mismatch', '503 Service Unavailable'), 400],
  ['a segment that is absent', rejected('404 Not Found'), 400],
  ['no problem', rejected(), 400],
  ['problems in another form', JSON.stringify({ Errors: [1, null, ['name'], ['name', 503]] }), 400],
  ['no list', JSON.stringify({ Errors: 'none' }), 400],
  ['plain text', 'Number of segments must be <= 1000', 400],
])('a manifest rejected because of %s', (_reason, body, status) => {
  expect(statusOfSegmentProblems(body)).toBe(status)
})
