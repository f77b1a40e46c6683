import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupClient } from '@osb-backup/client'
import { startAgentProcess } from '@osb-backup/testkit'

const REPEATS = 21

/** Repeatedly backs up a few bytes with a real agent. @returns The median duration, from the call to the end. */
export async function measureTrivialBackup(client: BackupClient, folder: string, store: string): Promise<number> {
  const [scripts, directory] = [join(folder, 'scripts'), join(store, 'trivial')]
  await mkdir(scripts)
  await mkdir(directory)
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
    const instanceId = 'trivial'
    const { url, username, password } = agent
    const { id: agentId } = await client.agents.create({ url, username, password })
    await client.instances.create({ id: instanceId, agentId, hosts: [{ address: '10.0.0.5', port: 5432 }] })
    const { id: destinationId } = await client.destinations.create({
      instanceId,
      name: 'files',
      store: { kind: 'file', directory },
    })
    const plan = await client.plans.create({
      instanceId,
      name: 'trivial',
      destinationId,
      schedule: { cron: '0 0 2 1 1 *' },
      retention: { style: 'count', period: 1 },
      items: ['db'],
    })
    const times: number[] = []
    for (let run = 0; run < REPEATS; run++) {
      const job = await client.plans.run(plan.id)
      const end = await client.jobs.wait(job.id, { intervalMs: 20 })
      if (end.state !== 'succeeded') throw new Error(`the trivial backup ${job.id} failed`)
      times.push(Date.parse(end.endedAt ?? '') - Date.parse(end.createdAt))
    }
    return times.toSorted((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN
  } finally {
    await agent.stop()
  }
}
