import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VERSION } from './version.ts'

test('all packages have the version of the project, and require each other in it', () => {
  const root = new URL('../../../', import.meta.url)
  const read = (folder: string) => JSON.parse(readFileSync(new URL(`${folder}package.json`, root), 'utf8'))
  const folders = readdirSync(new URL('packages/', root)).map((name) => `packages/${name}/`)
  const manifests = ['', ...folders].map(read)
  expect(manifests.map(({ name, version }) => [name, version])).toEqual(manifests.map(({ name }) => [name, VERSION]))
  const required = manifests.flatMap(({ dependencies = {} }) => Object.entries<string>(dependencies))
  const ours = required.filter(([name]) => name.startsWith('@osb-backup/'))
  expect(new Set(ours.map(([, version]) => version))).toEqual(new Set([VERSION]))
})
