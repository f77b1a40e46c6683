import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BUILD_TIMEOUT_MS = 300_000
const script = fileURLToPath(new URL('../../tools/build-dashboard', import.meta.url))

/** Where the build leaves the dashboard. */
export const builtDashboard = fileURLToPath(new URL('../../packages/dashboard/dist/', import.meta.url))

/** Builds the dashboard, as the first `npm start` does, unless that was done already. */
export async function buildDashboard(): Promise<void> {
  await promisify(execFile)('sh', [script], { timeout: BUILD_TIMEOUT_MS })
}
