import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { HeldOutput } from './held-output.ts'

test('the end waits for the release, and the data does not', async () => {
  const source = new PassThrough()
  const output = new HeldOutput(source)
  let isOver = false
  const read = output.toArray().then((chunks) => {
    isOver = true
    return Buffer.concat(chunks).toString()
  })
  source.end('dump')
  for (let round = 0; round < 10; round++) await turn()
  expect(output.bytes).toBe(4)
  expect(output.isSettled).toBe(true)
  expect(isOver).toBe(false)
  output.release()
  expect(await read).toBe('dump')
})

test('an output that ends after its release ends then', async () => {
  const source = new PassThrough()
  const output = new HeldOutput(source)
  const read = output.toArray()
  source.write('du')
  await turn()
  output.release()
  source.end('mp')
  expect(Buffer.concat(await read).toString()).toBe('dump')
})

test('an empty dump fails instead of ending', async () => {
  const source = new PassThrough()
  const output = new HeldOutput(source)
  const read = output.toArray()
  source.end()
  await turn()
  output.release()
  await expect(read).rejects.toThrow('empty')
  expect(output.isEmptyDump).toBe(true)
})

test('a failure before the first read does not end the process', async () => {
  const output = new HeldOutput(new PassThrough())
  output.destroy(new Error('the script exited with status 3'))
  await turn()
  await expect(output.toArray()).rejects.toThrow()
})
