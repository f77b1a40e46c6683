import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestEnding, type ObjectManifest } from '@osb-backup/protocol'
import type { PackAgent } from './harness.ts'
import type { PostgresServer } from './servers.ts'

/**
 * Puts a superuser's own dump of a database where the agent finds objects: without the pack's check, and, unless metadata is
 * given, without a manifest.
 *
 * @returns The name of the object.
 */
export async function putArchive(
  agent: PackAgent,
  server: PostgresServer,
  database: string,
  metadata?: ObjectManifest['metadata'],
): Promise<string> {
  const name = `foreign-${crypto.randomUUID()}.dump`
  const folder = join(agent.under.bucket, 'plan')
  await mkdir(folder, { recursive: true })
  await server.program('pg_dump', ['-Fc', '-f', join(folder, name)], database)
  if (metadata !== undefined) {
    const manifest = manifestOf(name, await readFile(join(folder, name)), metadata)
    await writeFile(join(folder, name + manifestEnding), JSON.stringify(manifest))
  }
  return name
}

function manifestOf(object: string, content: Buffer, metadata: ObjectManifest['metadata']): ObjectManifest {
  const now = new Date().toISOString()
  const size = { sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
  return {
    kind: 'osb-backup-object',
    version: 1,
    object,
    item: 'foreign',
    startedAt: now,
    storedAt: now,
    stored: size,
    original: size,
    transforms: { compression: 'none', encryption: 'none' },
    recipients: [],
    scriptPack: { name: 'postgresql', form: 2, type: '.dump' },
    metadata,
  }
}
