import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { type Duplex, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { omitUndefined } from '@osb-backup/node'
import { describe, expect, test } from 'vitest'
import { type CompressionOptions, compressor, decompressor } from './compression.ts'
import { programFilter } from './program-filter.ts'
import { findZstdProgram } from './zstd-program.ts'

const zstdProgram = findZstdProgram(process.env.PATH)
const withProgram = omitUndefined({ zstdProgram })
const mebibyte = 1024 * 1024

async function through(content: Buffer, filter: Duplex | undefined): Promise<Buffer> {
  const stream = filter as Duplex
  const [result] = await Promise.all([buffer(stream), pipeline(Readable.from([content]), stream)])
  return result
}

/** Ids of the processes that this one started and that still run under a name. */
async function childrenNamed(name: string): Promise<string[]> {
  const found: string[] = []
  for (const id of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '')
    const [, command, state, parent] = /\((.*)\) (\S) (\d+)/.exec(stat) ?? []
    if (command === name && parent === String(process.pid) && state !== 'Z') found.push(id)
  }
  return found
}

describe.skipIf(zstdProgram === undefined)('zstd, the program', () => {
  const variants: { written: CompressionOptions; read: CompressionOptions }[] = [
    { written: withProgram, read: {} },
    { written: {}, read: withProgram },
    { written: { ...withProgram, level: 9 }, read: withProgram },
  ]
  test.each(variants)('and node:zlib read each other: $written, $read', async ({ written, read }) => {
    for (const size of [0, 1, 3 * mebibyte]) {
      const content = randomBytes(size)
      const stored = await through(content, compressor('zstd', written))
      // The frame's descriptor says whether a checksum follows.
      expect((stored[4] ?? 0) & 4).toBe(4)
      expect((await through(stored, decompressor('zstd', read))).equals(content)).toBe(true)
    }
  })

  test('reports that damaged content is corrupt, with the message of the program', async () => {
    const stored = await through(randomBytes(mebibyte), compressor('zstd', withProgram))
    stored[stored.length >> 1] = (stored[stored.length >> 1] ?? 0) ^ 1
    const reading = through(stored, decompressor('zstd', withProgram))
    await expect(reading).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('status 1: ') })
  })

  test('exits with its transfer, however that ends', async () => {
    const broken = compressor('zstd', { ...withProgram, level: 4 }) as Duplex
    broken.write(randomBytes(mebibyte))
    await expect.poll(() => childrenNamed('zstd')).toHaveLength(1)
    const closed = new Promise((resolve) => broken.once('close', resolve))
    broken.destroy()
    await closed
    expect(await childrenNamed('zstd')).toEqual([])

    const signal = AbortSignal.timeout(50)
    const silent = new Readable({ read: () => undefined })
    const filter = compressor('zstd', withProgram) as Duplex
    await expect(pipeline(silent, filter, { signal })).rejects.toMatchObject({ name: 'AbortError' })
    if (!filter.closed) await new Promise((resolve) => filter.once('close', resolve))
    expect(await childrenNamed('zstd')).toEqual([])
  })

  test('fails the stream when it is killed', async () => {
    const filter = compressor('zstd', withProgram) as Duplex
    const failed = pipeline(new Readable({ read: () => undefined }), filter)
    filter.resume()
    await expect.poll(() => childrenNamed('zstd')).toHaveLength(1)
    for (const id of await childrenNamed('zstd')) process.kill(Number(id), 'SIGKILL')
    await expect(failed).rejects.toMatchObject({
      code: 'program-failed',
      message: expect.stringContaining('killed (SIGKILL)'),
    })
  })

  test('reads no more than its reader does', async () => {
    let taken = 0
    const endless = new Readable({
      read() {
        taken += 65_536
        this.push(randomBytes(65_536))
      },
    })
    const filter = compressor('zstd', { ...withProgram, level: 1 }) as Duplex
    const running = pipeline(endless, filter).catch(() => undefined)
    // Until it takes no more for a while.
    for (let before = -1; taken !== before; await sleep(500)) before = taken
    expect(taken).toBeLessThan(40 * mebibyte)
    filter.destroy()
    await running
  })
})

describe('a program', () => {
  test('that is missing fails the stream', async () => {
    const filter = programFilter({ path: '/nowhere/zstd', args: [], blamesInput: false })
    await expect(through(Buffer.from('x'), filter)).rejects.toMatchObject({
      code: 'program-failed',
      message: 'The program /nowhere/zstd could not be started (ENOENT).',
    })
  })

  test('that fails is reported with the reason, and its output never ends', async () => {
    const filter = programFilter({
      path: '/bin/sh',
      args: ['-c', 'echo half; echo broken >&2; exit 3'],
      blamesInput: false,
    })
    await expect(through(randomBytes(mebibyte), filter)).rejects.toMatchObject({
      code: 'program-failed',
      message: 'The program /bin/sh exited with status 3: broken.',
    })
  })

  test('that fails is quoted with what it writes to standard error until that is closed, not only until it exits', async () => {
    const filter = programFilter({
      path: '/bin/sh',
      args: ['-c', '(exec >&-; /bin/sleep 0.3; echo disk full >&2) & exit 3'],
      blamesInput: false,
    })
    await expect(through(randomBytes(mebibyte), filter)).rejects.toMatchObject({
      message: 'The program /bin/sh exited with status 3: disk full.',
    })
  })

  test('that stops reading early fails the stream, though it exits with 0', async () => {
    const head = programFilter({ path: '/usr/bin/head', args: ['-c', '10'], blamesInput: false })
    await expect(through(randomBytes(4 * mebibyte), head)).rejects.toMatchObject({
      code: 'program-failed',
      message: 'The program /usr/bin/head stopped reading before the end.',
    })
  })

  test('gets nothing of our environment', async () => {
    const filter = programFilter({
      path: '/bin/sh',
      args: ['-c', 'cat >/dev/null; /bin/cat /proc/$$/environ'],
      blamesInput: false,
    })
    expect((await through(Buffer.from(''), filter)).toString()).toBe('')
  })
})

describe('levels', () => {
  test('are those that the format has', async () => {
    const listed = await promisify(execFile)('ls', ['-lR', '/usr/share/doc'], { maxBuffer: 1e9 })
    const content = Buffer.from(listed.stdout).subarray(0, mebibyte)
    for (const compression of ['gzip', 'zstd'] as const) {
      const small = await through(content, compressor(compression, { level: 9 }))
      const fast = await through(content, compressor(compression, { level: 1 }))
      expect(small.length).toBeLessThan(fast.length)
    }
    expect(() => compressor('gzip', { level: 10 })).toThrow('gzip has levels 1 to 9, not 10.')
    expect(() => compressor('zstd', { level: 20 })).toThrow(RangeError)
    expect(() => compressor('zstd', { level: 2.5 })).toThrow(RangeError)
  })

  test('of gzip are read by gzip', async () => {
    expect(zlib.gunzipSync(await through(Buffer.from('abc'), compressor('gzip', { level: 9 }))).toString()).toBe('abc')
  })
})

test('the program is looked for in absolute folders only', () => {
  expect(findZstdProgram(undefined)).toBeUndefined()
  expect(findZstdProgram('.:bin:')).toBeUndefined()
  expect(findZstdProgram('/nowhere:/usr/bin:/bin')).toBe(zstdProgram)
})
