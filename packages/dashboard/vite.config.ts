import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Stores each asset compressed as well, so that the manager compresses nothing while it serves. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle({ dir = 'dist' }) {
      const folder = join(dir, 'assets')
      for (const name of await readdir(folder)) {
        if (!/\.(css|js|svg)$/.test(name)) continue
        const content = await readFile(join(folder, name))
        await writeFile(join(folder, `${name}.br`), await promisify(brotliCompress)(content))
        await writeFile(join(folder, `${name}.gz`), await promisify(gzip)(content, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), precompress()],
  // The manager replaces it in every response (packages/manager/src/http/dashboard.ts).
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2023',
    // These have light-dark() and nesting.
    cssTarget: ['chrome125', 'firefox128', 'safari18'],
    // The Content-Security-Policy allows no data: URLs but for images.
    assetsInlineLimit: 0,
    // What is shipped with it must be named (tools/build/); the manager does not serve this file.
    license: { fileName: 'licenses.json' },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { '/v1': process.env.MANAGER_URL ?? 'http://127.0.0.1:8080' } },
})
