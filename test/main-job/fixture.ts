import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupClient } from '@osb-backup/client'
import type { Job, Plan, PlanCreate } from '@osb-backup/protocol/v1'
import { type AgentProcess, makeTemporaryFolder, startAgentProcess } from '@osb-backup/testkit'
import { registerInstance as register } from '../fixtures/register-instance.ts'
import type { DestinationFields } from './places.ts'

const JOB_TIMEOUT_MS = 500_000
const repository = join(import.meta.dirname, '..', '..')

/** Where a PostgreSQL server listens, and who may log in. */
export interface ServerAddress {
  host: string
  port: number
  username: string
  password: string
}

/** An agent with a script pack and folders of its own, which go when it is disposed of. */
export async function startAgentWith(
  pack: string,
  settings: Record<string, string> = {},
): Promise<AgentProcess & AsyncDisposable & { folder: string }> {
  const folder = await makeTemporaryFolder()
  const files = join(folder.path, 'destinations')
  await mkdir(files)
  const agent = await startAgentProcess({
    directory_backup: join(folder.path, 'backup'),
    directory_restore: join(folder.path, 'restore'),
    scripts_path: join(repository, 'script-packs', pack),
    file_destination_root: files,
    ...settings,
  })
  return {
    ...agent,
    folder: files,
    [Symbol.asyncDispose]: async () => {
      await agent.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Registers a service instance on a PostgreSQL server, backed up by an agent. */
export async function registerInstance(
  client: BackupClient,
  id: string,
  server: ServerAddress,
  agent: Pick<AgentProcess, 'url' | 'username' | 'password'>,
  items?: string[],
): Promise<void> {
  await register(client, id, agent, {
    hosts: [{ name: 'postgres0', address: server.host, port: server.port }],
    database: { username: server.username, password: server.password },
    ...(items && { items }),
  })
}

/** Makes a destination and a plan that backs the items up to it. */
export async function makePlan(
  client: BackupClient,
  instanceId: string,
  items: string[],
  destination: DestinationFields,
  fields: Partial<PlanCreate> = {},
): Promise<Plan> {
  const { id: destinationId } = await client.destinations.create({ instanceId, ...destination })
  return client.plans.create({
    instanceId,
    name: `nightly to ${destination.name}`,
    destinationId,
    items,
    schedule: { cron: '0 0 2 * * *', timezone: 'Europe/Berlin' },
    retention: { style: 'count', period: 7 },
    ...fields,
  })
}

/** Waits for a job to end, however it ends. */
export function jobEnd(client: BackupClient, id: string): Promise<Job> {
  return client.jobs.wait(id, { signal: AbortSignal.timeout(JOB_TIMEOUT_MS), intervalMs: 100 })
}

/** Runs a plan now and waits for its end. */
export async function runBackup(client: BackupClient, plan: Plan): Promise<Job> {
  const { id } = await client.plans.run(plan.id)
  return jobEnd(client, id)
}

/** What went wrong in a job, for messages of failing tests. */
export function errorsOf(job: Job): Record<string, string | undefined> {
  return Object.fromEntries(job.parts.map(({ item, error }) => [item, error]))
}

/** Restores every item of a backup job, one after the other, each under the name that is given. */
export async function restoreAll(
  client: BackupClient,
  backupJobId: string,
  { nameOf = (item) => item, instanceId }: { nameOf?: (item: string) => string; instanceId?: string } = {},
): Promise<Job[]> {
  const jobs: Job[] = []
  for await (const point of client.restorePoints.iterate({ job: backupJobId })) {
    const { id } = await client.restorePoints.restore(point.id, { database: nameOf(point.item), instanceId })
    jobs.push(await jobEnd(client, id))
  }
  return jobs
}
