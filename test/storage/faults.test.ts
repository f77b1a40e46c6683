import { randomInt, randomUUID } from 'node:crypto'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import {
  loadContent,
  type ObjectStore,
  openStore,
  type StoredContent,
  type StoreSettings,
  storeContent,
} from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Fault, type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { s3Settings, swiftSettings } from '../fixtures/lab-stores.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

/** `FAULTS_SEED` runs the same faults again. */
const seed = Number(process.env.FAULTS_SEED ?? randomInt(2 ** 31))
/** `FAULTS_ROUNDS` is how often each store is written to and read from. */
const roundsEach = Number(process.env.FAULTS_ROUNDS ?? 30)
/** No transfer may take longer, whatever goes wrong. */
const limitMs = 240_000
const mebibyte = 1024 * 1024
const plain = { compression: 'none', recipients: [] } as const
const fresh = { ...plain, mustBeNew: true }
/** Short, so that the test is; real ones are minutes. */
const options = {
  retry: { outageMs: 400, firstDelayMs: 20 },
  idleTimeoutMs: 700,
  connectTimeoutMs: 2000,
  partSizeBytes: 5 * mebibyte,
  segmentSizeBytes: 2 * mebibyte,
  rangeSizeBytes: 3 * mebibyte,
}

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3

/** Mulberry32: the same numbers for the same seed. */
function randomOf(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface Place {
  /** The store through a proxy. */
  settings: (proxy: FaultsProxy, bucket: string) => StoreSettings
  /** The store as it is. */
  direct: (bucket: string) => StoreSettings
  /** Parts, uploads and segments that belong to no object. */
  leftovers: (bucket: string) => Promise<{ name: string }[]>
}

const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })

const places: Record<'s3' | 'swift', Place> = {
  s3: {
    settings: (proxy, bucket) => s3Settings(bucket, proxy.origin),
    direct: (bucket) => s3Settings(bucket),
    leftovers: async (bucket) => [
      ...((await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).map(({ Key = '' }) => ({
        name: Key,
      })),
      ...(await account.list(`${bucket}+segments`)),
    ],
  },
  swift: {
    settings: (proxy, container) => swiftSettings(container, proxy.origin),
    direct: (container) => swiftSettings(container),
    leftovers: (container) => account.list(`${container}_segments`),
  },
}

/** One fault, or the same one for several requests in a row. */
function spoilBy(random: (below: number) => number, proxy: FaultsProxy, way: 'up' | 'down', size: number): string {
  const from = random(way === 'up' && size > mebibyte ? 8 : 3)
  const count = 1 + random(4) * random(2)
  const at = random(size + 1)
  const fault = ((): Fault => {
    switch (random(6)) {
      case 0:
        return { kind: 'cut', way, afterBytes: at }
      case 1:
        return { kind: 'stall', way, afterBytes: at }
      case 2:
        return { kind: 'slow', way, delayMs: 1 + random(20) }
      case 3:
        return { kind: 'corrupt', way, atByte: at }
      case 4:
        return { kind: 'answer', status: [500, 503, 502, 429][random(4)] ?? 500 }
      default:
        return random(2) === 0 ? { kind: 'lose' } : { kind: 'lose', status: 503 }
    }
  })()
  proxy.spoil(({ number }) => (number >= from && number < from + count ? fault : undefined))
  return `${JSON.stringify(fault)} at request ${from}, ${count} times, ${size} bytes`
}

async function outcomeOf<T>(work: Promise<T>, what: string): Promise<T | Error> {
  const startedAt = performance.now()
  const outcome = await work.catch((error: unknown) => error as Error)
  expect(performance.now() - startedAt, what).toBeLessThan(limitMs)
  return outcome
}

/** Its message says what failed and why. */
function expectClear(error: Error, name: string, what: string): void {
  expect(error.name, `${what}: ${error.stack}`).toMatch(/^(StoreError|ContentError)$/)
  expect(error.message, what).toContain(name)
}

let injected = 0
console.log(`faults: FAULTS_SEED=${seed}`)

describe.concurrent.each(['s3', 'swift'] as const)('%s, with faults injected between', (kind) => {
  const place = places[kind]
  const bucket = `faults-${kind}-${randomUUID()}`
  beforeAll(() => account.makeContainer(bucket))
  afterAll(async () => {
    for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) {
      await account.removeContainer(container)
    }
  })

  test(`an upload is right or leaves nothing (seed ${seed})`, { timeout: 900_000 }, async ({ expect }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const direct = openStore(place.direct(bucket))
    const random = randomOf(seed)
    const ends = { right: 0, failed: 0 }
    for (let round = 0; round < roundsEach; round++) {
      const size = [1000, mebibyte, 6 * mebibyte, 11 * mebibyte][random(4)] ?? 0
      const name = `up-${round}.`
      const what = `seed ${seed}, round ${round}: ${spoilBy(random, proxy, 'up', Math.min(size, 2 * mebibyte))}`
      const store = openStore(place.settings(proxy, bucket), options)
      const outcome = await outcomeOf(storeContent(store, name, generated(size), fresh), what)
      proxy.heal()
      if (outcome instanceof Error) {
        ends.failed++
        expectClear(outcome, name, what)
        expect(await direct.head(name), what).toBeUndefined()
      } else {
        ends.right++
        expect(outcome, what).toMatchObject({ sizeBytes: size, sha256: generatedSha256(size) })
        expect(await sizeAndSha256(await direct.get(name)), what).toMatchObject({ sha256: generatedSha256(size) })
        await direct.remove(name)
      }
      const leftovers = await place.leftovers(bucket)
      expect(
        leftovers.filter((left) => left.name.startsWith(name)),
        what,
      ).toEqual([])
    }
    injected += proxy.injected
    console.log(
      `faults: ${kind}, up: ${proxy.injected} faults in ${roundsEach} uploads; ${ends.right} right, ${ends.failed} failed`,
    )
    expect(ends.right).toBeGreaterThan(roundsEach / 4)
  })

  test(`a download is right or fails (seed ${seed})`, { timeout: 900_000 }, async ({ expect }) => {
    await using proxy = await startFaultsProxy(new URL(endpoint).origin)
    const direct = openStore(place.direct(bucket), options)
    const random = randomOf(seed + 1)
    const sizes = [1000, mebibyte, 11 * mebibyte]
    const objects = await storeAll(direct, sizes)
    const ends = { right: 0, failed: 0 }
    for (let round = 0; round < roundsEach; round++) {
      const object = objects[random(sizes.length)] as StoredContent
      const what = `seed ${seed}, round ${round}: ${spoilBy(random, proxy, 'down', object.sizeBytes)}`
      const store = openStore(place.settings(proxy, bucket), options)
      const reading = async () => {
        const content = await loadContent(store, object.name, {
          compression: 'none',
          encrypted: false,
          identities: [],
          expected: object,
        })
        return sizeAndSha256(content)
      }
      const outcome = await outcomeOf(reading(), what)
      if (outcome instanceof Error) {
        ends.failed++
        expectClear(outcome, object.name, what)
      } else {
        ends.right++
        expect(outcome, what).toEqual({ sizeBytes: object.sizeBytes, sha256: object.sha256 })
      }
      proxy.heal()
    }
    for (const { name } of objects) await direct.remove(name)
    injected += proxy.injected
    console.log(
      `faults: ${kind}, down: ${proxy.injected} faults in ${roundsEach} downloads; ${ends.right} right, ${ends.failed} failed`,
    )
    expect(ends.right).toBeGreaterThan(roundsEach / 4)
  })
})

afterAll(() => {
  console.log(`faults: ${injected} in all`)
  expect(injected).toBeGreaterThanOrEqual(2 * roundsEach)
})

function storeAll(store: ObjectStore, sizes: readonly number[]): Promise<StoredContent[]> {
  return Promise.all(sizes.map((size) => storeContent(store, `down-${size}`, generated(size), plain)))
}
