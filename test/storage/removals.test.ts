import { randomUUID } from 'node:crypto'
import { openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { s3Settings, swiftSettings } from '../fixtures/lab-stores.ts'
import { generated } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const bucket = `removals-${randomUUID()}`
beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  for (const container of [`${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const servers = [
  { kind: 's3', settings: (at: string) => s3Settings(bucket, at), server: new URL(lab.s3.endpoint).origin },
  { kind: 'swift', settings: (at: string) => swiftSettings(bucket, at), server: new URL(lab.swift.storageUrl).origin },
]

describe.each(servers)('$kind', ({ kind, settings, server }) => {
  /** An object that was stored and looked up. */
  async function stored(name: string, size: number) {
    const direct = openStore(settings(server))
    await direct.put(name, generated(size))
    const found = await direct.head(name)
    if (found === undefined) throw new Error(`${name} is not stored`)
    return { direct, found }
  }

  test.each([{ kind: 'lose' }, { kind: 'lose', status: 503 }] as const)(
    'a removal whose answer was lost (%j) is retried, and spares a newer object of the name',
    async (fault) => {
      await using proxy = await startFaultsProxy(server)
      const name = randomUUID()
      const { direct, found } = await stored(name, 1000)
      let isReplaced: Promise<unknown> | undefined
      // Replaced once the store has removed it; the requests of the retry wait for that.
      const replace = async () => {
        await expect.poll(() => proxy.injected).toBe(1)
        await direct.put(name, generated(2000))
      }
      proxy.spoil(({ method }) => {
        if (isReplaced !== undefined) return isReplaced.then(() => undefined)
        if (method !== 'DELETE') return undefined
        isReplaced = replace()
        return fault
      })
      const store = openStore(settings(proxy.origin), { retry: { outageMs: 60_000, firstDelayMs: 100 } })
      expect(await store.removeIfSame(found)).toBe(false)
      await isReplaced
      expect(proxy.injected).toBe(1)
      expect((await direct.head(name))?.sizeBytes).toBe(2000)
      await direct.remove(name)
    },
  )

  test.each([1000, 12_000_000])('an upload of %i bytes announces the object that its store then has', async (size) => {
    const direct = openStore(settings(server), { partSizeBytes: 5 * 1024 ** 2, segmentSizeBytes: 5 * 1024 ** 2 })
    const name = randomUUID()
    const announced: object[] = []
    const ids: string[] = []
    const recorder = {
      async begun(id: string) {
        ids.push(id)
      },
      async committing(expected: object) {
        announced.push(expected)
      },
    }
    await direct.put(name, generated(size), { recorder })
    const found = await direct.head(name)
    expect(announced.at(-1)).toEqual({ sizeBytes: size, tag: found?.tag })
    expect(ids).toHaveLength(size > 1000 ? 1 : 0)
    await direct.remove(name)
  })

  test('a removal whose answer was lost is complete when nothing has the name', async () => {
    await using proxy = await startFaultsProxy(server)
    const name = randomUUID()
    const { direct, found } = await stored(name, 1000)
    let lost = 0
    proxy.spoil(({ method }) => (method === 'DELETE' && lost++ === 0 ? { kind: 'lose' } : undefined))
    const store = openStore(settings(proxy.origin), { retry: { outageMs: 60_000, firstDelayMs: 10 } })
    expect(await store.removeIfSame(found)).toBe(true)
    expect(proxy.injected).toBe(1)
    expect(await direct.head(name)).toBeUndefined()
  })

  const onlyWithConditions = test.runIf(kind === 's3')

  onlyWithConditions('a server that rejects the condition is asked without', async () => {
    await using proxy = await startFaultsProxy(server)
    const name = randomUUID()
    const { direct, found } = await stored(name, 1000)
    let rejected = 0
    proxy.spoil(({ method }) => (method === 'DELETE' && rejected++ === 0 ? { kind: 'answer', status: 501 } : undefined))
    const store = openStore(settings(proxy.origin), { retry: { outageMs: 60_000, firstDelayMs: 10 } })
    expect(await store.removeIfSame(found)).toBe(true)
    expect(await direct.head(name)).toBeUndefined()
  })

  onlyWithConditions('a server that evaluates the condition keeps an object that was replaced meanwhile', async () => {
    await using proxy = await startFaultsProxy(server)
    const name = randomUUID()
    const { direct, found } = await stored(name, 1000)
    let isReplaced: Promise<unknown> | undefined
    proxy.spoil(async ({ method, url }) => {
      if (method !== 'DELETE' || !url.includes(name)) return undefined
      isReplaced ??= direct.put(name, generated(2000))
      await isReplaced
      return { kind: 'answer', status: 412 }
    })
    const store = openStore(settings(proxy.origin), { retry: false })
    expect(await store.removeIfSame(found)).toBe(false)
    expect((await direct.head(name))?.sizeBytes).toBe(2000)
    await direct.remove(name)
  })
})
