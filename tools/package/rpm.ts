import { copyFile, glob, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { copyPackagedFiles } from './packaged-files.ts'
import { createStage, repository, run, sourceDate } from './workspace.ts'

/** Creates the RPM packages. */
export const rpm = (output: string): Promise<string[]> => buildRpmPackages(output)

/** Creates the RPM packages from what is built and from deploy/rpm/, with the services of deploy/debian/, by rpmbuild. */
export async function buildRpmPackages(output: string, { version = VERSION } = {}): Promise<string[]> {
  await using stage = await createStage()
  const files = join(stage.path, 'files')
  await mkdir(join(files, 'units'), { recursive: true })
  await copyPackagedFiles(files)
  await copyFile(join(repository, 'LICENSE'), join(files, 'LICENSE'))
  for (const service of ['osb-backup-manager', 'osb-backup-agent']) {
    for (const ending of ['service', 'sysusers']) {
      const name = `${service}.${ending}`
      await copyFile(join(repository, 'deploy/debian', name), join(files, 'units', name))
    }
  }
  // A version of a pre-release has hyphens, which RPM does not allow; "~" sorts before the release.
  const macros = {
    _topdir: join(stage.path, 'rpm'),
    project_version: version.replace('-', '~').replaceAll('-', '.'),
    project_files: files,
  }
  const defined = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`])
  await run('rpmbuild', ['-bb', '--quiet', ...defined, join(repository, 'deploy/rpm/osb-backup.spec')], {
    env: { SOURCE_DATE_EPOCH: await sourceDate() },
  })
  const packages = (await Array.fromAsync(glob('rpm/RPMS/*/*.rpm', { cwd: stage.path }))).sort()
  for (const path of packages) await copyFile(join(stage.path, path), join(output, basename(path)))
  return packages.map((path) => join(output, basename(path)))
}
