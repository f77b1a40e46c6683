import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BackupClient, waitForJob } from '@osb-backup/client/legacy'
import type { BackupPlan, BackupPlanRequest, Job } from '@osb-backup/protocol'
import {
  type AgentProcess,
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
  TEST_TOKEN,
} from '@osb-backup/testkit'

/** One manager and one agent whose scripts the test writes, with a directory as store. */
export interface SmallWorld extends AsyncDisposable {
  folder: string
  /** Where objects lie, below the id of their plan. */
  store: string
  manager: ManagerProcess
  agent: AgentProcess
  client: BackupClient
  destinationId: string
  /** Stops the manager, and starts it again on the same data. */
  restartManager(settings?: Record<string, string>): Promise<void>
  makePlan(fields?: Partial<BackupPlanRequest>): Promise<BackupPlan>
  /** Calls the API as it is on the wire. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: ReturnType<JSON['parse']> }>
}

export const instanceId = 'i'

/** @param scripts - Shell by the name of the stage; `backup` is given one that writes a few bytes. */
export async function makeSmallWorld(
  scripts: Record<string, string> = {},
  settings: Record<string, string> = {},
): Promise<SmallWorld> {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  const [scriptsFolder, store] = [join(folder, 'scripts'), join(folder, 'store')]
  await mkdir(scriptsFolder)
  await mkdir(store)
  await writeFile(join(scriptsFolder, 'pack.json'), JSON.stringify({ form: 2, name: 'small', type: '.dump' }))
  for (const [name, text] of Object.entries({ backup: 'echo "the content of $BACKUP_DATABASE"', ...scripts })) {
    await writeFile(join(scriptsFolder, name), `${text}\n`)
  }
  const agent = await startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scriptsFolder,
    file_destination_root: store,
  })
  stack.defer(() => agent.stop())
  const start = (more: Record<string, string>) =>
    startManagerProcess({
      DATA_DIR: join(folder, 'manager'),
      FILE_DESTINATION_ROOT: store,
      MINIMUM_INTERVAL_SECONDS: '1',
      ...settings,
      ...more,
    })
  const world = { manager: await start({}) }
  stack.defer(() => world.manager.stop())
  await world.manager.client.serviceInstances.put(instanceId, {
    hosts: [{ ip: '10.0.0.5', port: 5432 }],
    agent: { url: agent.url, username: agent.username, password: agent.password },
  })
  const serviceInstance = { service_instance_id: instanceId }
  const destination = await world.manager.client.fileDestinations.create({
    type: 'FILE',
    name: 'files',
    directory: store,
    serviceInstance,
  })
  let plans = 0
  return {
    folder,
    store,
    agent,
    destinationId: destination.id,
    get manager() {
      return world.manager
    },
    get client() {
      return world.manager.client
    },
    async restartManager(more = {}) {
      await world.manager.stop()
      world.manager = await start(more)
    },
    makePlan: (fields = {}) =>
      world.manager.client.backupPlans.create({
        name: `plan ${++plans}`,
        serviceInstance,
        fileDestination: { id: destination.id },
        frequency: '0 0 2 29 2 *',
        retentionStyle: 'ALL',
        items: ['db1'],
        compression: false,
        ...fields,
      }),
    async call(method, path, body) {
      const response = await fetch(world.manager.url + path, {
        method,
        headers: {
          authorization: `Bearer ${TEST_TOKEN}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Runs a plan now, and answers how the job ended. */
export async function runPlan({ client }: SmallWorld, planId: string): Promise<Job> {
  const { id } = await client.jobs.startBackup(planId)
  return jobEnd(client, id)
}

export function jobEnd(client: BackupClient, id: string): Promise<Job> {
  return waitForJob(client, id, { signal: AbortSignal.timeout(240_000), intervalMs: 50 })
}
