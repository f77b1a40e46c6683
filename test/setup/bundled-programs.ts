import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MANAGER_PROGRAM_VARIABLE } from '@osb-backup/testkit'
import { rolldown } from 'rolldown'

const repository = join(import.meta.dirname, '../..')
/** Below node_modules, so that packages that are not bundled are found. */
const folder = join(repository, 'node_modules/.cache/test-programs')
const KEEP_MS = 2 * 60 * 60 * 1000

/**
 * Bundles the manager, much as `npm run build` does: it starts in less than half of the CPU time that its 1500 modules take, and the tests start
 * it some hundred times. The bundle of the same sources is used again.
 */
export async function bundleManager(): Promise<void> {
  const path = join(folder, `manager-${await sourcesKey()}.cjs`)
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true })
    await linkDashboard()
    const fresh = `${path}.${process.pid}`
    await writeFile(fresh, await bundle())
    await rename(fresh, path)
    await removeOld()
  }
  process.env[MANAGER_PROGRAM_VARIABLE] = path
}

async function bundle(): Promise<string> {
  await using bundled = await rolldown({
    input: join(repository, 'packages/manager/src/main.ts'),
    cwd: repository,
    platform: 'node',
    // It has files of its own.
    external: ['@fastify/swagger-ui'],
    logLevel: 'silent',
  })
  const { output } = await bundled.generate({ format: 'cjs', codeSplitting: false })
  return output[0].code
}

/** A digest of the names, sizes and times of all sources that a bundle may contain. */
async function sourcesKey(): Promise<string> {
  const hash = createHash('sha256')
  const files = await Array.fromAsync(glob('{package-lock.json,packages/*/src/**/*.ts}', { cwd: repository }))
  for (const file of files.toSorted()) {
    const { size, mtimeMs } = await stat(join(repository, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

/** Bundles of former sources. Another run may still use one that is not old. */
async function removeOld(): Promise<void> {
  for await (const path of glob(join(folder, 'manager-*'))) {
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > KEEP_MS) await rm(path, { force: true })
  }
}

/** The manager looks for the built dashboard beside its program. */
async function linkDashboard(): Promise<void> {
  await symlink('../../../packages/dashboard/dist', join(folder, 'dashboard')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}
