import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensurePackagingPackages } from '../../tools/packages.ts'
import { buildDashboard } from '../dashboard/build-dashboard.ts'

/** Installs what packages are created with, and builds the programs, before the tests of packages. */
export async function setup(): Promise<void> {
  await ensurePackagingPackages()
  await buildDashboard()
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../tools/build/main.ts')])
}
