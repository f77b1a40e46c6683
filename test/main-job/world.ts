import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type BackupClient, waitForJob } from '@osb-backup/client/legacy'
import type { BackupPlan, FileDestinationRequest, Job } from '@osb-backup/protocol'
import { type AgentProcess, makeTemporaryFolder, startAgentProcess } from '@osb-backup/testkit'
import type { DestinationFields } from './places.ts'

const JOB_TIMEOUT_MS = 500_000
export const repository = join(import.meta.dirname, '..', '..')

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
): Promise<void> {
  await client.serviceInstances.put(id, {
    hosts: [{ name: 'postgres0', ip: server.host, port: server.port, backup: true }],
    username: server.username,
    password: server.password,
    agent: { url: agent.url, username: agent.username, password: agent.password },
  })
}

/** Makes a destination and a plan that backs the items up to it. */
export async function makePlan(
  client: BackupClient,
  instanceId: string,
  items: string[],
  destination: DestinationFields,
  fields: { publicKey?: string; privateKey?: string; compression?: boolean } = {},
): Promise<BackupPlan> {
  const serviceInstance = { service_instance_id: instanceId }
  const { id } = await client.fileDestinations.create({ ...destination, serviceInstance } as FileDestinationRequest)
  return client.backupPlans.create({
    name: `nightly to ${destination.name}`,
    serviceInstance,
    fileDestination: { id },
    frequency: '0 0 2 * * *',
    timezone: 'Europe/Berlin',
    retentionStyle: 'FILES',
    retentionPeriod: 7,
    items,
    ...fields,
  })
}

/** Waits for a job to end, however it ends. */
export function jobEnd(client: BackupClient, id: string): Promise<Job> {
  return waitForJob(client, id, { signal: AbortSignal.timeout(JOB_TIMEOUT_MS), intervalMs: 100 })
}

/** Runs a plan now and waits for its end. */
export async function runBackup(client: BackupClient, plan: BackupPlan): Promise<Job> {
  const { id } = await client.jobs.startBackup(plan.id)
  return jobEnd(client, id)
}

/** What went wrong in a job, for messages of failing tests. */
export function errorsOf(job: Job): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(job.agentExecutionReponses).map(([item, part]) => [item, part.error_message]),
  )
}
