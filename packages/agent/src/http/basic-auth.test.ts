import { expect, test } from 'vitest'
import { basicAuth } from './basic-auth.ts'

const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('only the right credentials let in', () => {
  const letsIn = basicAuth('näme', 'pass:word')
  expect(letsIn(header('näme:pass:word'))).toBe(true)
  expect(letsIn(header('näme:pass:word').replace('Basic', 'bAsIc'))).toBe(true)
  const wrong = [
    undefined,
    '',
    'Basic',
    header('näme'),
    header('näme:'),
    header('näme:pass'),
    header('NÄME:pass:word'),
    `Bearer ${header('näme:pass:word').slice(6)}`,
  ]
  for (const each of wrong) expect(letsIn(each)).toBe(false)
})
