import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { exactly } from './exact-length.ts'

const content = () => Readable.from([Buffer.from('01234'), Buffer.from('56789')], { objectMode: false })

test('content of the announced size passes, and no more or less of it', async () => {
  expect((await buffer(exactly(content(), 10))).toString()).toBe('0123456789')
  expect(await buffer(exactly(Readable.from([], { objectMode: false }), 0))).toHaveLength(0)
  await expect(buffer(exactly(content(), 11))).rejects.toThrow('1 bytes less than the 11')
  const source = content()
  const passed: Buffer[] = []
  const reading = (async () => {
    for await (const chunk of exactly(source, 9)) passed.push(chunk)
  })()
  await expect(reading).rejects.toThrow('more than the 9 bytes')
  expect(Buffer.concat(passed).length).toBeLessThanOrEqual(9)
  await expect.poll(() => source.destroyed).toBe(true)
})
