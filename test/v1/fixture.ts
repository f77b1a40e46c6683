import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import type { Job, Plan, PlanCreate, RestorePoint } from '@osb-backup/protocol/v1'
import {
  type AgentProcess,
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
  TEST_TOKEN,
} from '@osb-backup/testkit'

/** One manager and one agent whose scripts the test writes, with a directory as store; called over `/v1`. */
export interface Fixture extends AsyncDisposable {
  folder: string
  manager: ManagerProcess
  agent: AgentProcess
  client: BackupClient
  agentId: string
  destinationId: string
  createPlan(fields?: Partial<PlanCreate>): Promise<Plan>
  /** Runs a plan now, and answers how the job ended. */
  runPlan(planId: string): Promise<Job>
  /** The newest restore point of a plan. */
  newestPoint(planId: string): Promise<RestorePoint>
  /** Calls the API as it is on the wire. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

/** An answer as it is on the wire. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  body: ReturnType<JSON['parse']>
}

export const instanceId = 'i'

/** @param scripts - Shell by the name of the stage; `backup` is given one that writes a few bytes. */
export async function startFixture(
  scripts: Record<string, string> = {},
  settings: Record<string, string> = {},
): Promise<Fixture> {
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
  const manager = await startManagerProcess({
    DATA_DIR: join(folder, 'manager'),
    FILE_DESTINATION_ROOT: store,
    MINIMUM_INTERVAL_SECONDS: '1',
    ...settings,
  })
  stack.defer(() => manager.stop())
  const client = new BackupClient({ url: manager.url, token: TEST_TOKEN })
  const { id: agentId } = await client.agents.create({
    url: agent.url,
    username: agent.username,
    password: agent.password,
  })
  await client.instances.create({ id: instanceId, agentId, hosts: [{ address: '10.0.0.5', port: 5432 }] })
  const destination = await client.destinations.create({
    instanceId,
    name: 'files',
    store: { kind: 'file', directory: store },
  })
  let plans = 0
  return {
    folder,
    manager,
    agent,
    client,
    agentId,
    destinationId: destination.id,
    createPlan: (fields = {}) =>
      client.plans.create({
        instanceId,
        name: `plan ${++plans}`,
        destinationId: destination.id,
        items: ['db1'],
        schedule: { cron: '0 0 2 29 2 *' },
        retention: { style: 'all' },
        compression: { algorithm: 'none' },
        ...fields,
      }),
    async runPlan(planId) {
      const { id } = await client.plans.run(planId)
      return client.jobs.wait(id, { signal: AbortSignal.timeout(60_000), intervalMs: 50 })
    },
    async newestPoint(planId) {
      const [point] = (await client.restorePoints.list({ plan: planId, limit: 1 })).items
      if (point === undefined) throw new Error(`plan ${planId} has no restore point`)
      return point
    },
    call: (method, path, body, headers = {}) => call(manager.url, method, path, body, headers),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function call(
  url: string,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${TEST_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}
