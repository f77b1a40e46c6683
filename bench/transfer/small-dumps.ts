import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runBackup } from '../agent-jobs.ts'
import { cpuSeconds } from '../process-usage.ts'
import { startAgent } from './agent-contender.ts'
import type { Place } from './place.ts'

const SIZE_BYTES = 1_000_000
const POLL_MS = 10
const CONCURRENT = [1, 4]

/** Stores many dumps of 1 MB through one agent with zstd and age: each is a job of its own. */
export async function benchSmallDumps(
  { lab: { s3 }, folder, environment, recipient }: Place,
  count: number,
): Promise<void> {
  const words = Array.from({ length: SIZE_BYTES / 8 }, (_, row) => String(row * 7919).padStart(7, '0'))
  for (let index = 0; index < count; index++) {
    await writeFile(join(folder, `item${index}`), `${words.join('\n')}\n${index}`)
  }
  const agent = await startAgent(folder, { max_job_number: '8' })
  const access = { endpoint: s3.endpoint, region: s3.region, authKey: s3.accessKeyId, authSecret: s3.secretAccessKey }
  const store = (index: number, run: string) =>
    runBackup(
      agent,
      {
        compression: true,
        encryption_key: recipient,
        destination: { type: 'S3', bucket: environment.BUCKET, filenamePrefix: `${run}/${index}/`, ...access },
        backup: { host: 'host', username: 'user', password: 'password', database: `item${index}` },
      },
      POLL_MS,
    )
  try {
    // Loads what jobs need.
    await store(0, 'warm')
    console.log(`### ${count} dumps of 1 MB, zstd and age\n`)
    console.log('| at the same time | jobs per second | ms per job | CPU ms per job |\n|--:|--:|--:|--:|')
    for (const concurrent of CONCURRENT) {
      const [startedAt, cpuBefore] = [performance.now(), await cpuSeconds(agent.pid)]
      const waiting = Array.from({ length: count }, (_, index) => index)
      const work = async () => {
        for (let index = waiting.shift(); index !== undefined; index = waiting.shift())
          await store(index, `${concurrent}`)
      }
      await Promise.all(Array.from({ length: concurrent }, work))
      const seconds = (performance.now() - startedAt) / 1000
      const cpu = (await cpuSeconds(agent.pid)) - cpuBefore
      const cells = [count / seconds, (seconds * 1000 * concurrent) / count, (cpu * 1000) / count]
      console.log(`| ${concurrent} | ${cells.map((cell) => cell.toFixed(1)).join(' | ')} |`)
    }
  } finally {
    await agent.stop()
  }
}
