import { expect, test } from 'vitest'
import { MASK, SecretMask } from '../masking.ts'
import { BoundedLog, LOG_HEAD, LOG_TAIL, lastLines } from './bounded-log.ts'

const none = new SecretMask([])

test('a short log is kept as it is, characters cut by a chunk included', () => {
  const log = new BoundedLog(none)
  const bytes = Buffer.from('Grüße 🙂\n')
  for (const byte of bytes) log.write(Buffer.from([byte]))
  expect(log.end()).toBe('Grüße 🙂\n')
})

test('a log that just fits is not cut, one character more is', () => {
  const fits = new BoundedLog(none)
  fits.write(Buffer.from('x'.repeat(LOG_HEAD + LOG_TAIL)))
  expect(fits.end()).toBe('x'.repeat(LOG_HEAD + LOG_TAIL))
  const over = new BoundedLog(none)
  over.write(Buffer.from(`${'h'.repeat(LOG_HEAD)}c${'t'.repeat(LOG_TAIL)}`))
  expect(over.end()).toBe(`${'h'.repeat(LOG_HEAD)}\n[… 1 characters cut …]\n${'t'.repeat(LOG_TAIL)}`)
})

test('a secret across the edge of the kept output leaves no part of itself', () => {
  const log = new BoundedLog(new SecretMask(['hunter2hunter2']))
  log.write(Buffer.from(`${'x'.repeat(LOG_HEAD - 3)}hunter2hunter2${'y'.repeat(LOG_TAIL * 2)}`))
  const shown = log.end()
  expect(shown).toContain(`x${MASK}`)
  expect(shown).not.toContain('hunter2')
})

test('NUL is replaced, since databases do not store it', () => {
  const log = new BoundedLog(none)
  log.write(Buffer.from('a\0b'))
  expect(log.end()).toBe('a\uFFFDb')
})

test('the last lines fit a message', () => {
  expect(lastLines('1\n2\n3\n4\n5\n6\n7\n\n')).toBe('3\n4\n5\n6\n7')
  expect(lastLines('x'.repeat(5000))).toBe(`…${'x'.repeat(1000)}`)
  expect(lastLines('\n \n')).toBe('')
})
