import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[]
  samples: number[]
  timeDeltas: number[]
}

/** Which step a frame belongs to; the innermost match counts. Patterns meet function and file. */
const steps: readonly [step: string, pattern: RegExp][] = [
  ['waiting', /^\(idle\)/],
  ['freeing memory', /^\(garbage collector\)/],
  ['sha256', /content\/meter\.ts|chunks\/chunk-list\.ts/],
  ['digests of parts', /transfer\/parts\.ts/],
  ['age', /content\/age-/],
  ['zstd program', /content\/program-filter\.ts|compression\.ts/],
  ['starting', /internal\/modules|realm|compile|command\/main\.ts|wrapSafe|\/esm\/|\/cjs\//],
  ['HTTP', /_http_|stream_base_commons|node:net|smithy|aws-sdk|swift-client|s3-client|ranged-download|resuming/],
]

/**
 * Profiles one run of our command, and reports how its main thread's time was spent.
 *
 * @param command - Bash, with `node` in it.
 * @returns Share of each step, from 0 to 1.
 */
export async function shareOfSteps(command: string, environment: Record<string, string>): Promise<Map<string, number>> {
  const folder = await mkdtemp(join(environment.HOME ?? '/tmp', 'profile-'))
  try {
    await run('bash', ['-c', command.replace('node ', `node --cpu-prof --cpu-prof-dir="${folder}" `)], {
      env: environment,
    })
    const [file = ''] = await readdir(folder)
    return sharesOf(JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function sharesOf({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const stepOf = (id: number | undefined): string => {
    const node = id === undefined ? undefined : byId.get(id)
    if (node === undefined) return 'other'
    const { functionName, url } = node.callFrame
    const found = steps.find(([, pattern]) => pattern.test(`${functionName} ${url}`))
    return found?.[0] ?? stepOf(parents.get(node.id))
  }
  const stepsById = new Map(nodes.map(({ id }) => [id, stepOf(id)]))
  const shares = new Map<string, number>()
  const total = timeDeltas.reduce((sum, delta) => sum + delta, 0)
  samples.forEach((id, index) => {
    const step = stepsById.get(id) ?? 'other'
    shares.set(step, (shares.get(step) ?? 0) + (timeDeltas[index] ?? 0) / total)
  })
  return new Map([...shares].sort(([, left], [, right]) => right - left))
}
