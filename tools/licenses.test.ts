import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

/** Licences that go with Apache-2.0 and ask for no more than to be named. */
const allowed = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
  '(MIT OR CC0-1.0)',
]

interface LockedPackage {
  license?: string
  dev?: boolean
  link?: boolean
}

test('every package that is shipped has a licence that is allowed', async () => {
  const lock = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'))
  const packages = Object.entries<LockedPackage>(lock.packages)
  const shipped = packages.filter(([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link)
  expect(shipped.length).toBeGreaterThan(50)
  const others = shipped.filter(([, { license }]) => !allowed.includes(license ?? ''))
  expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([])
})
