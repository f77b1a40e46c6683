import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readBody } from './read-body.ts'

test('keys are read in any case, but parameters keep theirs, and numbers in them stay as written', () => {
  const text = `{"ID":"x","compression":true,"Encryption_Key":"none","nothing":null,
    "destination":{"TYPE":"S3","skipssl":true,"size":1e3,"Bucket":null},
    "BACKUP":{"Host":"h","PORT":5432,"serviceInstance":{"any":1},"parameters":[{"Retries":2,"big":1000000},{"e":1e3,"d":1.50,"n":null}]}}`
  expect(readBody('backup', text)).toEqual({
    ok: true,
    value: {
      id: 'x',
      compression: true,
      encryption_key: 'none',
      destination: { type: 'S3', skipSSL: true, size: 1000 },
      database: {
        host: 'h',
        port: 5432,
        serviceInstance: { any: 1 },
        parameters: [
          { Retries: '2', big: '1000000' },
          { e: '1e3', d: '1.50', n: null },
        ],
      },
    },
  })
})

test('a restore has its own key', () => {
  expect(readBody('restore', '{"restore":{"host":"h"},"backup":7}')).toMatchObject({
    value: { database: { host: 'h' } },
  })
})

test('a message about broken JSON quotes nothing of it', () => {
  const answer = readBody('backup', '{"backup":{"password":"hunter2",}}')
  expect(answer).toEqual({ ok: false, error: expect.stringMatching(/^the body is not valid JSON at position \d+$/) })
})

test('whatever comes, the reader answers and does not throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(readBody('backup', text)).toHaveProperty('ok')
    }),
  )
})
