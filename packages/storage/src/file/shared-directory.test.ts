import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

/** Of no account: only root may give it a directory. */
const GROUP = 61_001

/** Stores an object in a process with a umask of its own. */
const storing = `
  import { Readable } from 'node:stream'
  import { FileStore } from ${JSON.stringify(join(import.meta.dirname, 'file-store.ts'))}
  await new FileStore({ type: 'file', directory: process.argv[1] }).put('plan/day/dump', Readable.from([Buffer.from('x')]))
`

test.each([
  ['0007', '2770'],
  ['0022', '2750'],
  ['0077', '2700'],
])('with the umask %s new directories in one with the set-group-ID bit have the mode %s', async (umask, mode) => {
  const root = await mkdtemp(join(tmpdir(), 'osb-shared-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const gid = process.getuid?.() === 0 ? GROUP : (process.getgid?.() ?? 0)
  await chown(root, -1, gid)
  await chmod(root, 0o2770)
  const command = [process.execPath, '--input-type=module', '-e', storing, root]
  await promisify(execFile)('sh', ['-c', `umask ${umask} && exec "$@"`, 'sh', ...command])
  for (const path of ['plan', 'plan/day']) {
    const found = await stat(join(root, path))
    expect([path, (found.mode & 0o7777).toString(8), found.gid]).toEqual([path, mode, gid])
  }
  const dump = await stat(join(root, 'plan/day/dump'))
  expect([dump.gid, dump.mode & 0o777]).toEqual([gid, 0o640 & ~Number.parseInt(umask, 8)])
})
