import type { TestProject } from 'vitest/node'
import { type LabEnv, labDown, labUp } from '../../lab/index.ts'
import { ensurePackages } from '../../tools/packages.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** How the lab's servers are reached. */
    lab: LabEnv
  }
}

/**
 * Starts the lab before the system tests, and stops it after them unless it ran before: whoever started it with
 * `npm run lab -- up` keeps it.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  await ensurePackages()
  const { env, wasRunning } = await labUp()
  project.provide('lab', env)
  return wasRunning ? undefined : () => labDown()
}
