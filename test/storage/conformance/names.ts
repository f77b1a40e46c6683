import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { collected, type Suite } from './suite.ts'

/** Which names a store accepts, and how it lists them. */
export function testNames(suite: Suite): void {
  test.each([
    'with space',
    ' leading and trailing ',
    'Ünïcödé-日本語-🎉',
    'per%cent-%2F-%zz',
    'plus+plus',
    'a&b=c;d',
    'what?query',
    'hash#tag',
    `quotes-'single'-"double"-\`back\``,
    'back\\slash',
    'star*[brackets]{braces}<angles>|pipe',
    'plan-id/2026_11_24_db:1@host.tar.gz',
    'deep/er/and/deep/er/still',
    '...three-dots/.hidden',
    'é-composed',
    'e\u0301-decomposed',
  ])('accepts the name %j', async (name) => {
    const prefix = `${suite.freeName()}/`
    await suite.store.put(prefix + name, Readable.from([Buffer.from(name)]))
    expect(await suite.names(prefix)).toEqual([prefix + name])
    expect(await suite.store.head(prefix + name)).toMatchObject({ name: prefix + name })
    expect((await buffer(await suite.store.get(prefix + name))).toString()).toBe(name)
    await suite.store.remove(prefix + name)
    expect(await suite.names(prefix)).toEqual([])
  })

  test.each([
    '',
    '/',
    '/leading',
    'trailing/',
    'a//b',
    '..',
    '../x',
    'a/../b',
    'a/./b',
    'line\nbreak',
    'nul\0',
    'x'.repeat(1001),
    '\ud800',
  ])('rejects the name %j in every call', async (name) => {
    const refusal = { name: 'StoreError', code: 'invalid-name' }
    const content = Readable.from([Buffer.from('x')])
    await expect(suite.store.put(name, content)).rejects.toMatchObject(refusal)
    expect(content.destroyed).toBe(true)
    await expect(suite.store.get(name)).rejects.toMatchObject(refusal)
    await expect(suite.store.head(name)).rejects.toMatchObject(refusal)
    await expect(suite.store.remove(name)).rejects.toMatchObject(refusal)
  })

  test('lists names with the prefix, over several pages, in byte order', async () => {
    const paged = suite.tested.open({ listPageSize: 7 })
    const prefix = `${suite.freeName()}/`
    const numbered = Array.from({ length: 20 }, (_, index) => `${prefix}n/${String(index).padStart(3, '0')}`)
    const odd = ['a-b', 'a/b', 'a0', 'B', 'é', '～', '🎉'].map((name) => prefix + name)
    for (const name of [...odd, ...numbered]) await paged.put(name, Readable.from([Buffer.from(name)]))
    const listed = await collected(paged.list(prefix))
    const sorted = [...odd, ...numbered].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    expect(listed.map((object) => object.name)).toEqual(sorted)
    for (const object of listed) {
      expect(object.sizeBytes).toBe(Buffer.byteLength(object.name))
      expect(Math.abs(object.modifiedAt.getTime() - Date.now())).toBeLessThan(10 * 60_000)
    }
    expect((await collected(paged.list(`${prefix}n/01`))).length).toBe(10)
    expect((await collected(paged.list(`${prefix}a`))).length).toBe(3)
    expect(await collected(paged.list(`${prefix}none`))).toEqual([])
    for (const name of sorted) await paged.remove(name)
  })
}
