import { randomUUID } from 'node:crypto'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import type { TestProject } from 'vitest/node'
import { cephDown, type LabEnv, labDown, labUp } from '../../lab/index.ts'
import { ensurePackages } from '../../tools/packages.ts'
import { DATA_TEMPLATES_VARIABLE } from '../postgresql-pack/data-templates.ts'
import { bundleManager } from './bundled-programs.ts'
import { createManagerTemplate } from './manager-template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** How the lab's servers are reached. */
    lab: LabEnv
  }
}

/**
 * Starts the lab before the system tests, and stops it after them unless it ran before: whoever started it with
 * `npm run lab -- up` keeps it. Tests that need Ceph start it themselves.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await ensurePackages()
  const [{ env, wasRunning }, removeTemplate] = await Promise.all([labUp(), createManagerTemplate(), bundleManager()])
  const dataTemplates = await makeTemporaryFolder()
  process.env[DATA_TEMPLATES_VARIABLE] = dataTemplates.path
  // Of this run: another one may have started Ceph, and still need it.
  const run = randomUUID()
  process.env.LAB_RUN = run
  project.provide('lab', env)
  return async () => {
    await Promise.all([removeTemplate(), dataTemplates[Symbol.asyncDispose]()])
    if (!wasRunning) await labDown()
    else await cephDown(run)
  }
}
