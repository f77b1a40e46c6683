import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextShortener } from './bounded-json.ts'

function shorten(document: unknown, chunkBytes: number): unknown {
  const bytes = Buffer.from(JSON.stringify(document))
  const shortener = new TextShortener()
  for (let at = 0; at < bytes.length; at += chunkBytes) shortener.write(bytes.subarray(at, at + chunkBytes))
  return JSON.parse(shortener.toString())
}

test('a document without long texts stays as it is, however it arrives', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 50 }), (document, chunkBytes) => {
      expect(shorten(document, chunkBytes)).toEqual(JSON.parse(JSON.stringify(document)))
    }),
  )
})

test.for(['x', 'ü', '€', '𝄞', '"', '\\', '\n', '\u0001', '\ud834', '\\u0041', '"}'])(
  'of a long text of %j the beginning and the end are kept, and nothing is torn',
  (unit) => {
    const log = `first ${unit.repeat(200_000)} last`
    for (const chunkBytes of [7, 1000, 1001, 65_536, 10_000_000]) {
      const {
        before,
        log: cut,
        after,
      } = shorten({ before: 'a', log, after: [1, 'b'] }, chunkBytes) as {
        before: string
        log: string
        after: unknown[]
      }
      expect([before, after]).toEqual(['a', [1, 'b']])
      const [head = '', tail = ''] = cut.split('\n… cut by the manager …\n')
      expect([head.startsWith('first '), tail.endsWith(' last')]).toEqual([true, true])
      expect(log.startsWith(head) && log.endsWith(tail)).toBe(true)
      expect(cut.length).toBeLessThan(log.length)
      expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThan(170_000)
    }
  },
)

test('a document of any size needs little memory, as long as its texts make it up', () => {
  const shortener = new TextShortener()
  shortener.write(Buffer.from('{"log":"'))
  const block = Buffer.alloc(65_536, 'x')
  for (let written = 0; written < 100e6; written += block.length) shortener.write(block)
  shortener.write(Buffer.from('"}'))
  expect(shortener.sizeBytes).toBeLessThan(170_000)
})
