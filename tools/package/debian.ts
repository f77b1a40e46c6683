import { copyFile, cp, glob, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { copyPackagedFiles } from './packaged-files.ts'
import { createStage, repository, run, sourceDate } from './workspace.ts'

/** Which packages are created. */
interface DebianOptions {
  version?: string
  /** Leaves out the package of Node, which is the largest. */
  isWithoutNode?: boolean
}

/** Creates the Debian packages. */
export const debian = (output: string): Promise<string[]> => buildDebianPackages(output)

/** Creates the Debian packages from what is built and from deploy/debian/, by debhelper. */
export async function buildDebianPackages(
  output: string,
  { version = VERSION, isWithoutNode = false }: DebianOptions = {},
): Promise<string[]> {
  await using stage = await createStage()
  const source = join(stage.path, 'osb-backup')
  await cp(join(repository, 'deploy/debian'), join(source, 'debian'), { recursive: true })
  await copyPackagedFiles(source)
  const date = await sourceDate()
  await writeFile(join(source, 'debian/changelog'), changelog(version, new Date(Number(date) * 1000)))
  await run(
    'dpkg-buildpackage',
    [isWithoutNode ? '--build=all' : '--build=binary', '--no-sign', '--no-check-builddeps'],
    {
      cwd: source,
      env: { SOURCE_DATE_EPOCH: date, DEB_BUILD_OPTIONS: 'nocheck' },
    },
  )
  const packages = (await Array.fromAsync(glob('*.deb', { cwd: stage.path }))).sort()
  for (const name of packages) await copyFile(join(stage.path, name), join(output, name))
  return packages.map((name) => join(output, name))
}

function changelog(version: string, date: Date): string {
  const day = date.toUTCString().replace('GMT', '+0000')
  return `osb-backup (${version}) unstable; urgency=medium

  * Version ${version}. CHANGELOG.md of the project lists the changes.

 -- OSB Backup Manager developers <packages@osb-backup.dev>  ${day}
`
}
