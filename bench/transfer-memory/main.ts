import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '@osb-backup/storage'
import { startAgentProcess } from '@osb-backup/testkit'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { labUp } from '../../lab/index.ts'
import { runBackup, runRestore } from '../agent-jobs.ts'
import { memoryBytes } from '../process-usage.ts'

const pollMs = 100

const help = `npm run bench -- transfer-memory [--megabytes N,N,…]: the peak memory of an agent while a script of form 2
writes that many megabytes, compressed, encrypted and stored in the lab's S3, and while they are restored. 100,1000,5000
by default; each size has an agent of its own. The bytes do not compress.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { help: { type: 'boolean', short: 'h' }, megabytes: { type: 'string', default: '100,1000,5000' } },
})

const scripts = {
  'pack.json': '{"form": 2, "name": "bench", "type": ".bin"}',
  backup:
    '#!/bin/sh\nopenssl enc -aes-128-ctr -nosalt -pass pass:x -in /dev/zero 2>/dev/null | head -c "$BACKUP_DATABASE"\n',
  restore: '#!/bin/sh\nexec sha256sum\n',
}

interface Place {
  root: string
  destination: Record<string, unknown>
  recipient: string
  identity: string
}

async function bench(): Promise<void> {
  const { s3 } = (await labUp()).env
  const { endpoint, region, accessKeyId, secretAccessKey } = s3
  const bucket = `bench-${randomUUID()}`
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const store = openStore({ type: 's3', endpoint, region, bucket, ...credentials })
  const root = await mkdtemp(join(tmpdir(), 'osb-bench-'))
  const identity = await generateX25519Identity()
  const destination = { type: 'S3', endpoint, region, bucket, authKey: accessKeyId, authSecret: secretAccessKey }
  const place = { root, destination, identity, recipient: await identityToRecipient(identity) }
  try {
    await mkdir(join(root, 'scripts'))
    for (const [name, text] of Object.entries(scripts)) {
      await writeFile(join(root, 'scripts', name), text, { mode: 0o755 })
    }
    console.log(
      '| size | idle | most while it is backed up | s | most until it is restored | s |\n|--:|--:|--:|--:|--:|--:|',
    )
    for (const megabytes of values.megabytes.split(',').map(Number)) await benchSize(place, megabytes)
  } finally {
    for await (const { name } of store.list('')) await store.remove(name)
    await client.send(new DeleteBucketCommand({ Bucket: bucket }))
    await rm(root, { recursive: true, force: true })
  }
}

async function benchSize({ root, destination, recipient, identity }: Place, megabytes: number): Promise<void> {
  const agent = await startAgentProcess({
    directory_backup: join(root, 'backups'),
    directory_restore: join(root, 'restores'),
    scripts_path: join(root, 'scripts'),
    log_level: 'warn',
  })
  try {
    await sleep(1000)
    const idle = await memoryBytes(agent.pid, 'VmRSS')
    const database = { host: 'host', username: 'user', password: 'password', database: String(megabytes * 1_000_000) }
    const stored = await runBackup(
      agent,
      {
        compression: true,
        encryption_key: recipient,
        destination: { ...destination, filenamePrefix: `${megabytes}/` },
        backup: database,
      },
      pollMs,
    )
    const most = await memoryBytes(agent.pid, 'VmHWM')
    const { filename, filesize, sha256 } = stored.answer
    const restored = await runRestore(
      agent,
      {
        encryption_key: identity,
        destination: { ...destination, filenamePrefix: `${megabytes}/`, filename, size: filesize?.bytes, sha256 },
        restore: database,
      },
      pollMs,
    )
    const mostOfAll = await memoryBytes(agent.pid, 'VmHWM')
    const cells = [idle, most, stored.seconds, mostOfAll, restored.seconds].map((value) =>
      value > 10_000 ? `${(value / 1e6).toFixed(0)} MB` : value.toFixed(1),
    )
    console.log(`| ${megabytes} MB | ${cells.join(' | ')} |`)
  } finally {
    await agent.stop()
  }
}

if (values.help) console.log(help)
else await bench()
