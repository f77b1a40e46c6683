import { access } from 'node:fs/promises'
import { run } from '../../tools/package/workspace.ts'

/** Where this machine's packages come from. */
const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']

/**
 * Creates the root file system of a small Debian of this machine's release.
 *
 * @param target - A folder, or the path of a tar file.
 */
export async function createDebianTree(target: string, packages: readonly string[]): Promise<void> {
  const source = await firstExisting(sources)
  const options = ['--variant=minbase', '--quiet', '--mode=root', `--include=${packages.join(',')}`]
  // Documentation, and what a tree that is thrown away does not need on disk, cost half of the time.
  const fast = ['--dpkgopt=force-unsafe-io', '--dpkgopt=path-exclude=/usr/share/locale/*']
  // A mirror may be a snapshot, whose lists have expired, and the clock may be ahead of it.
  const old = ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"']
  await run('mmdebstrap', [...options, ...fast, ...old, '', target, source])
}

async function firstExisting(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  throw new Error(`None of ${paths.join(', ')} exists.`)
}
