import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildDashboard, builtDashboard } from './build-dashboard.ts'

let stack: AsyncDisposableStack
let manager: ManagerProcess

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  manager = await startManagerProcess({ DATA_DIR: folder.path })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

/** As on the wire: fetch would decompress. */
function get(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>((resolve, reject) => {
    request(manager.url + path, { headers }, async (response) => {
      const body = Buffer.concat(await response.toArray())
      resolve({ status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, body })
    })
      .on('error', reject)
      .end()
  })
}

const scriptOf = (html: string) => /<script type="module"[^>]* src="([^"]+)"/.exec(html)?.[1] ?? ''

test('each response allows styles by a nonce of its own, and no script but those of the manager', async () => {
  const nonces = new Set<string>()
  for (const path of ['/', '/instances', '/instances/shop-db', '/jobs?state=failed']) {
    const { status, headers, body } = await get(path)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['x-content-type-options']).toBe('nosniff')
    const policy = headers['content-security-policy'] ?? ''
    const [, nonce = ''] = /style-src 'self' 'nonce-([^']{20,})'/.exec(policy) ?? []
    expect(policy).toContain("default-src 'none'; script-src 'self'; ")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*/)
    expect(body.toString()).toContain(`nonce="${nonce}"`)
    expect(body.toString()).not.toContain('__CSP_NONCE__')
    nonces.add(nonce)
  }
  expect(nonces.size).toBe(4)
})

test('assets are cached for good, and sent as the browser accepts them', async () => {
  const path = scriptOf((await get('/')).body.toString())
  const plain = await get(path)
  expect(plain.status).toBe(200)
  expect(plain.headers['content-type']).toMatch(/javascript/)
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  expect(plain.headers['x-content-type-options']).toBe('nosniff')
  const brotli = await get(path, { 'accept-encoding': 'gzip, br' })
  expect(brotli.headers['content-encoding']).toBe('br')
  expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true)
  const gzip = await get(path, { 'accept-encoding': 'gzip' })
  expect(gzip.headers['content-encoding']).toBe('gzip')
  expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true)
})

test('a file that is no asset is not served, and the old paths stay what they are', async () => {
  expect((await get('/assets/none.js')).status).toBe(404)
  expect((await get('/assets/..%2findex.html')).status).toBe(404)
  expect((await get('/assets/')).status).toBe(403)
  for (const path of ['/audit', '/serviceInstances', '/backupPlans', '/v1/instances']) {
    expect({ path, status: (await get(path, { accept: 'text/html' })).status }).toEqual({ path, status: 401 })
  }
  expect((await get('/nothing', { accept: 'text/html' })).status).toBe(401)
})

test('the page at / loads at most 250 kB of compressed JavaScript', async () => {
  const html = (await get('/')).body.toString()
  const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path]) => path ?? '')
  expect(scripts.length).toBeGreaterThan(0)
  let bytes = 0
  for (const path of scripts) bytes += gzipSync((await get(path)).body, { level: 9 }).length
  expect(bytes).toBeLessThan(250_000)
  expect((await readdir(join(builtDashboard, 'assets'))).length).toBeGreaterThan(scripts.length)
})

test('without a built dashboard / says so, and the manager works as it does with one', async () => {
  await using folder = await makeTemporaryFolder()
  const other = await startManagerProcess({ DATA_DIR: join(folder.path, 'data'), DASHBOARD_DIR: folder.path })
  try {
    const response = await fetch(other.url)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('npm run build')
    expect((await other.client.caller()).role).toBe('admin')
  } finally {
    await other.stop()
  }
})
