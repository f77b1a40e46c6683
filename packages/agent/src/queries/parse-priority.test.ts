import { expect, test } from 'vitest'
import { parsePriority } from './parse-priority.ts'

const parse = (text: string) => parsePriority(Buffer.from(text))

test('a line has a number and perhaps a reason', () => {
  expect(parse('100 a standby\n')).toEqual({ ok: true, value: { priority: 100, reason: 'a standby' } })
  expect(parse('0\n')).toEqual({ ok: true, value: { priority: 0 } })
})

test.each(['', '50', '101 x\n', '-1 x\n', 'primary\n', '1 x\n2 y\n', '5.5\n', '50x\n'])('%j is no priority', (text) => {
  expect(parse(text)).toMatchObject({ ok: false, error: expect.stringMatching(/from 0 to 100/) })
})
