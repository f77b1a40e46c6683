import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { relay } from './relay.ts'

test('a failure before the first read is kept for the reader, and is no uncaught error', async () => {
  const inner = Readable.from([Buffer.from('x')])
  const outer = relay(inner, {
    translate: (error) => new Error('translated', { cause: error }),
    beforeEnd: () => Promise.reject(new Error('wrong digest')),
  })
  outer.resume()
  await expect.poll(() => outer.destroyed).toBe(true)
  await expect(buffer(outer)).rejects.toThrow('translated')
})
