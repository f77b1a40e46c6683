import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const bucket = `resume-${randomUUID()}`
beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const mebibyte = 1024 * 1024
const size = 20 * mebibyte
const options = {
  retry: { outageMs: 2000, firstDelayMs: 5 },
  partSizeBytes: 5 * mebibyte,
  segmentSizeBytes: 4 * mebibyte,
  idleTimeoutMs: 3000,
}

const kinds: { kind: string; settings: (origin: string) => StoreSettings }[] = [
  {
    kind: 's3',
    settings: (origin) => ({ type: 's3', endpoint: origin, region, bucket, accessKeyId, secretAccessKey }),
  },
  {
    kind: 'swift',
    settings: (origin) => ({
      type: 'swift',
      ...lab.swift,
      storageUrl: lab.swift.storageUrl.replace(new URL(endpoint).origin, origin),
      container: bucket,
    }),
  },
]

/** Cuts every answer to a download after a number of bytes. */
const cutEach = (proxy: FaultsProxy, afterBytes: number) =>
  proxy.spoil(({ method }) => (method === 'GET' ? { kind: 'cut', way: 'down', afterBytes } : undefined))

const ways = [
  { way: 'in one', rangeSizeBytes: size, cuts: 6 },
  { way: 'in ranges', rangeSizeBytes: 7 * mebibyte, cuts: 2 + 2 + 1 },
]

describe.each(kinds.flatMap((kind) => ways.map((way) => ({ ...kind, ...way }))))(
  'a download that is cut, $kind, $way',
  ({ settings, rangeSizeBytes, cuts }) => {
    const name = `object-${randomUUID()}`
    const cutOptions = { ...options, rangeSizeBytes }
    const direct = openStore(settings(endpoint), options)
    beforeAll(async () => {
      await direct.put(name, generated(size))
    })
    afterAll(() => direct.remove(name))

    test('resumes at the next byte for as long as it makes progress', async () => {
      await using proxy = await startFaultsProxy(new URL(endpoint).origin)
      cutEach(proxy, 3 * mebibyte)
      const store = openStore(settings(proxy.origin), cutOptions)
      const read = await sizeAndSha256(await store.get(name))
      expect(read).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
      // Each cut one has sent three mebibytes: nothing is sent twice.
      expect(proxy.injected).toBe(cuts)
    })

    test('is given up without progress', async () => {
      await using proxy = await startFaultsProxy(new URL(endpoint).origin)
      cutEach(proxy, 1000)
      const store = openStore(settings(proxy.origin), cutOptions)
      await expect(sizeAndSha256(await store.get(name))).rejects.toMatchObject({ code: 'temporary' })
      expect(proxy.injected).toBeGreaterThanOrEqual(3)
    })

    test('is not retried if that is disabled', async () => {
      await using proxy = await startFaultsProxy(new URL(endpoint).origin)
      cutEach(proxy, 3 * mebibyte)
      const store = openStore(settings(proxy.origin), { ...cutOptions, retry: false })
      await expect(sizeAndSha256(await store.get(name))).rejects.toMatchObject({ code: 'temporary' })
      expect(proxy.injected).toBeLessThanOrEqual(4)
    })

    test('never resumes with another object', async () => {
      const other = `${name}-other`
      // Of one part: Swift's S3 API keeps the parts of what is replaced.
      await direct.put(other, generated(4 * mebibyte))
      await using proxy = await startFaultsProxy(new URL(endpoint).origin)
      cutEach(proxy, 3 * mebibyte)
      const stream = await openStore(settings(proxy.origin), cutOptions).get(other)
      await direct.put(other, generated(4 * mebibyte - 1))
      await expect(sizeAndSha256(stream)).rejects.toMatchObject({ code: 'replaced' })
      await direct.remove(other)
    })

    test('survives any number of cuts while its reader pauses', async () => {
      await using proxy = await startFaultsProxy(new URL(endpoint).origin)
      const store = openStore(settings(proxy.origin), cutOptions)
      cutEach(proxy, 400_000)
      let pauses = 0
      let readBytes = 0
      for await (const chunk of await store.get(name)) {
        readBytes += chunk.length
        if (readBytes >= pauses * 300_000 && pauses < 8) {
          pauses++
          await sleep(60)
        }
        if (pauses === 8) proxy.heal()
      }
      expect(readBytes).toBe(size)
      expect(proxy.injected).toBeGreaterThanOrEqual(4)
    })
  },
)

describe('an upload', () => {
  test.each(kinds)('sends again only the part that failed, $kind', async ({ settings }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const store = openStore(settings(proxy.origin), options)
    let spoilt = 0
    proxy.spoil(({ method, url }) => {
      const isSecondPart = method === 'PUT' && /partNumber=2|00000002/.test(url)
      return isSecondPart && spoilt++ < 2 ? { kind: 'cut', way: 'up', afterBytes: mebibyte } : undefined
    })
    const name = `parts-${randomUUID()}`
    await store.put(name, generated(size))
    expect(proxy.injected).toBe(2)
    proxy.heal()
    expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    await store.remove(name)
  })

  test('of more segments than a manifest may name is one object all the same', async () => {
    const { settings } = kinds[1] as (typeof kinds)[0]
    // Not smaller: Swift sends only one segment a second of those below a mebibyte.
    const small = { segmentSizeBytes: mebibyte, maximumSegments: 4, capacityBytes: 16 * mebibyte }
    const store = openStore(settings(endpoint), { ...options, ...small })
    const name = `many-${randomUUID()}`
    const segments = async () =>
      (await account.list(`${bucket}_segments`)).filter((segment) => segment.name.startsWith(name))
    // Fifteen segments, the last of one byte: four manifests, the last of which names three.
    for (const [sizeBytes, objects] of [
      [14 * mebibyte + 1, 15 + 4],
      [9 * mebibyte, 9 + 2],
    ] as const) {
      await store.put(name, generated(sizeBytes))
      expect(await segments()).toHaveLength(objects)
      expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes, sha256: generatedSha256(sizeBytes) })
    }
    await store.remove(name)
    expect(await segments()).toEqual([])
    await expect(store.put(name, generated(16 * mebibyte + 1))).rejects.toMatchObject({ code: 'full' })
    expect(await segments()).toEqual([])
  })
})

test('S3: parts too large for memory wait on the disk', async () => {
  const { settings } = kinds[0] as (typeof kinds)[0]
  const store = openStore(settings(endpoint), { partSizeBytes: 33 * mebibyte - 1, bufferBytes: 0 })
  // The lab accepts no parts above 32 MiB, so only the last one shows how it went.
  const name = `large-${randomUUID()}`
  await store.put(name, generated(30 * mebibyte))
  expect(await sizeAndSha256(await store.get(name))).toMatchObject({ sha256: generatedSha256(30 * mebibyte) })
  await store.remove(name)
})
