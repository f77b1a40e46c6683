import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type AgentProcess, startAgentProcess } from '@osb-backup/testkit'
import type { LabEnv } from '../../lab/index.ts'
import { type JobTaken, runBackup, runRestore } from '../agent-jobs.ts'
import { cpuSeconds, memoryOfAllBytes, mostDuring } from '../process-usage.ts'
import type { Contender } from './contenders.ts'
import type { Taken } from './measure.ts'

const pollMs = 50

/**
 * Starts an agent whose scripts write and read the files of a folder.
 *
 * @param folder - Has the file to store; its name is the database. It is restored as `restored`.
 */
export async function startAgent(folder: string, settings: Record<string, string> = {}): Promise<AgentProcess> {
  const scripts = join(folder, 'scripts')
  await mkdir(scripts)
  const texts = {
    'pack.json': '{"form": 2, "name": "bench", "type": ".bin"}',
    backup: `#!/bin/sh\nexec cat "${folder}/$BACKUP_DATABASE"\n`,
    restore: `#!/bin/sh\nexec cat > "${folder}/restored"\n`,
  }
  for (const [name, text] of Object.entries(texts)) await writeFile(join(scripts, name), text, { mode: 0o755 })
  return startAgentProcess({
    directory_backup: join(folder, 'backups'),
    directory_restore: join(folder, 'restores'),
    scripts_path: scripts,
    log_level: 'warn',
    ...settings,
  })
}

/** What an agent does with the bytes. */
export interface AgentTransforms {
  compression: boolean
  recipient?: string
  identity?: string
}

/** A running agent, which does a whole job each time: locks, checks, manifest and reading back included. */
export function agentContender(
  agent: AgentProcess,
  { s3 }: LabEnv,
  { name, group, transforms }: Pick<Contender, 'name' | 'group'> & { transforms: AgentTransforms },
): Contender {
  const { compression, recipient, identity } = transforms
  const access = { endpoint: s3.endpoint, region: s3.region, authKey: s3.accessKeyId, authSecret: s3.secretAccessKey }
  const stored = new Map<string, object>()
  const destinationOf = (env: Record<string, string>) => ({
    type: 'S3',
    bucket: env.BUCKET,
    filenamePrefix: `${env.NAME}/`,
    ...access,
  })
  const database = { host: 'host', username: 'user', password: 'password' }
  return {
    name,
    group,
    store: (env) =>
      taken(agent, async () => {
        const job = {
          compression,
          encryption_key: recipient ?? 'none',
          // As the manager asks: it has chosen a name that is free.
          object_name: `bench_${randomUUID()}`,
          destination: destinationOf(env),
          backup: { ...database, database: basename(env.INPUT ?? '') },
        }
        const done = await runBackup(agent, job, pollMs)
        const { filename, filesize, sha256, root, transforms: applied } = done.answer
        stored.set(env.NAME ?? '', { filename, size: filesize?.bytes, sha256, root, transforms: applied })
        return done
      }),
    restore: (env) =>
      taken(agent, () => {
        const job = {
          encryption_key: identity ?? 'none',
          destination: { ...destinationOf(env), ...stored.get(env.NAME ?? '') },
          restore: { ...database, database: basename(env.INPUT ?? '') },
        }
        return runRestore(agent, job, pollMs)
      }),
  }
}

async function taken(agent: AgentProcess, run: () => Promise<JobTaken>): Promise<Taken> {
  const before = await cpuSeconds(agent.pid)
  const { most: peakBytes, result } = await mostDuring(() => memoryOfAllBytes(agent.pid), run)
  return { seconds: result.seconds, cpuSeconds: (await cpuSeconds(agent.pid)) - before, peakBytes }
}
