import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { labStateFolder } from './settings.ts'

/** The servers of a lab: each a folder with `start.sh` and `stop.sh`, and one below the lab's state. */
export const parts = ['object-store', 'postgresql'] as const
/** Servers that few tests need: they start when the first one does. */
export const partsOnDemand = ['ceph'] as const
export type Part = (typeof parts)[number] | (typeof partsOnDemand)[number]

const stateVariable = {
  'object-store': 'LAB_OBJECT_STORE_STATE',
  postgresql: 'LAB_POSTGRESQL_STATE',
  ceph: 'LAB_CEPH_STATE',
} as const satisfies Record<Part, string>

const stateOf = (part: Part) => join(labStateFolder(), part)

/** Starts what does not run of a part, and waits until it answers. */
export async function startPart(part: Part): Promise<void> {
  await mkdir(labStateFolder(), { recursive: true })
  // PostgreSQL runs under another user where we are root, and has to get through this folder to its own.
  await chmod(labStateFolder(), 0o711)
  await runScript(part, 'start.sh')
}

/** Stops a part, and with `wipe` removes what it stored. One that does not run is left as it is. */
export async function stopPart(part: Part, { wipe }: { wipe: boolean }): Promise<void> {
  await runScript(part, 'stop.sh', ...(wipe ? ['--wipe'] : []))
}

/** What a part wrote about itself when it started; undefined if it does not run (any more). */
export async function describePart(part: Part): Promise<unknown> {
  try {
    const description = JSON.parse(await readFile(join(stateOf(part), 'env.json'), 'utf8'))
    // The file may outlive the server, over a restart of the machine for one.
    const url = new URL(part === 'postgresql' ? description.url : description.s3.endpoint)
    return (await isListening(url)) ? description : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The `LAB_RUN` of the program that started a part; undefined if it had none. */
export async function starterOf(part: Part): Promise<string | undefined> {
  try {
    return (await readFile(join(stateOf(part), 'starter'), 'utf8')).trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isListening(url: URL): Promise<boolean> {
  const socket = connect({ host: url.hostname, port: Number(url.port) })
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy())
}

/** Runs a part's script; what it says goes to standard error, so that standard output stays for answers. */
function runScript(part: Part, script: string, ...args: string[]): Promise<void> {
  const path = join(import.meta.dirname, part, script)
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [path, ...args], {
      env: { ...process.env, [stateVariable[part]]: stateOf(part) },
      stdio: ['ignore', 2, 2],
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`lab/${part}/${script} failed with exit code ${code}; what it said is above.`))
    })
  })
}
