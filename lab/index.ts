import { z } from 'zod'
import { ensureCephPackages } from '../tools/packages.ts'
import { describePart, parts, partsOnDemand, starterOf, startPart, stopPart } from './parts.ts'

const labEnvSchema = z.object({
  s3: z.object({
    endpoint: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    region: z.string(),
    /** The same over https; empty if the lab was started without it. */
    tlsEndpoint: z.string(),
    /** File with the certificate of that. */
    ca: z.string(),
  }),
  swift: z.object({
    authUrl: z.string(),
    domain: z.string(),
    projectName: z.string(),
    username: z.string(),
    password: z.string(),
    /** Swift's URL for the project, which Keystone's catalog names too. */
    storageUrl: z.string(),
  }),
  postgresql: z.object({
    url: z.string(),
    host: z.string(),
    port: z.number(),
    username: z.string(),
    password: z.string(),
    /** Folder of this server's `psql`, `pg_dump`, … */
    bin: z.string(),
  }),
})

/** How the lab's servers are reached. Its secrets are worth nothing: everything listens on loopback only. */
export type LabEnv = z.infer<typeof labEnvSchema>

const cephEnvSchema = z.object({
  s3: z.object({
    endpoint: z.string(),
    region: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    /** A key of its KMS. */
    kmsKeyId: z.string(),
  }),
  /** A role that the user of S3 gets temporary credentials for. */
  roleArn: z.string(),
  /** With the login of Swift's version 1, which needs no Keystone. */
  swift: z.object({ authUrl: z.string(), username: z.string(), password: z.string() }),
})

/** How the lab's Ceph is reached. */
export type CephEnv = z.infer<typeof cephEnvSchema>

/**
 * Starts Ceph unless it runs; as root it first installs the Debian packages. Files of tests that call this at the same time
 * share one Ceph.
 */
export async function cephUp(): Promise<CephEnv> {
  await ensureCephPackages()
  await startPart('ceph')
  return cephEnvSchema.parse(await describePart('ceph'))
}

/** Stops Ceph if it runs, and was started by a program with this `LAB_RUN` in its environment. */
export async function cephDown(run: string): Promise<void> {
  if ((await starterOf('ceph')) === run) await stopPart('ceph', { wipe: false })
}

/**
 * Starts the servers that do not run, except those that only few tests need.
 *
 * @returns How they are reached, and whether all of them ran before.
 */
export async function labUp(): Promise<{ env: LabEnv; wasRunning: boolean }> {
  const wasRunning = (await Promise.all(parts.map(describePart))).every((part) => part !== undefined)
  await all(parts.map(startPart))
  return { env: await labEnv(), wasRunning }
}

/** Stops the servers; `wipe` also deletes everything in them. */
export async function labDown(options: { wipe: boolean } = { wipe: false }): Promise<void> {
  await all([...parts, ...partsOnDemand].map((part) => stopPart(part, options)))
}

/** How the running servers are reached. */
export async function labEnv(): Promise<LabEnv> {
  const [objectStore, postgresql] = await Promise.all([describePart('object-store'), describePart('postgresql')])
  if (!objectStore || !postgresql) throw new Error('The lab does not run; start it with `npm run lab -- up`.')
  return labEnvSchema.parse({ ...(objectStore as object), postgresql })
}

/** Waits for all, also where one fails: nothing continues in the background after the failure is reported. */
async function all(running: Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(running)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
