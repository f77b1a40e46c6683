import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BackupClient, waitForJob } from '@osb-backup/client/legacy'
import { startAgentProcess } from '@osb-backup/testkit'

const REPEATS = 21

/** Backs a few bytes up with a real agent, again and again. @returns The middle of how long it took, from the call to the end. */
export async function measureTrivialBackup(client: BackupClient, folder: string, store: string): Promise<number> {
  const scripts = join(folder, 'scripts')
  await mkdir(scripts)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'trivial', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo dump\n')
  const agent = await startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: store,
    log_level: 'warn',
  })
  try {
    const serviceInstance = { service_instance_id: 'trivial' }
    await client.serviceInstances.put('trivial', {
      hosts: [{ ip: '10.0.0.5', port: 5432 }],
      agent: { url: agent.url, username: agent.username, password: agent.password },
    })
    const { id } = await client.fileDestinations.create({
      type: 'FILE',
      name: 'files',
      directory: store,
      serviceInstance,
    })
    const plan = await client.backupPlans.create({
      name: 'trivial',
      serviceInstance,
      fileDestination: { id },
      frequency: '0 0 2 1 1 *',
      retentionStyle: 'FILES',
      items: ['db'],
    })
    const times: number[] = []
    for (let run = 0; run < REPEATS; run++) {
      const job = await client.jobs.startBackup(plan.id)
      const end = await waitForJob(client, job.id, { intervalMs: 20 })
      if (end.status !== 'SUCCEEDED') throw new Error(`the trivial backup ${job.id} failed`)
      times.push(Date.parse(end.endDate ?? '') - Date.parse(end.startDate))
    }
    return times.toSorted((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN
  } finally {
    await agent.stop()
  }
}
