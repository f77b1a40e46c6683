import { copyFile, cp, glob, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { writeManualPages } from '../cli-reference.ts'
import { serviceManualPage, settingsFile } from './service-documents.ts'
import { services } from './services.ts'
import { builtProgram, createStage, repository, run, sourceDate } from './workspace.ts'

/** Files of the programs that Debian has elsewhere: licences in /usr/share/doc, an npm manifest nowhere. */
const notInstalled = ['LICENSE', 'node_modules', 'package.json']

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
  await cp(join(source, 'debian/launchers'), join(source, 'launchers'), { recursive: true })
  for (const name of ['manager', 'agent', 'cli'] as const) {
    await cp(await builtProgram(name), join(source, 'dist', name), {
      recursive: true,
      filter: (path) => !notInstalled.includes(basename(path)),
    })
  }
  await copyNode(join(source, 'node'))
  await writeDocuments(source)
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

/** This Node, with its licences. */
async function copyNode(folder: string): Promise<void> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  await copyFile(process.execPath, join(folder, 'bin/node'))
  await copyFile(join(dirname(process.execPath), '../LICENSE'), join(folder, 'LICENSE.node'))
}

/** Settings, manual pages and completions, which all come from the definitions in the code. */
async function writeDocuments(source: string): Promise<void> {
  const folders = Object.fromEntries(['conf', 'man', 'completion'].map((name) => [name, join(source, name)]))
  const { conf = '', man = '', completion = '' } = folders
  for (const folder of [conf, man, completion]) await mkdir(folder)
  for (const [name, service] of Object.entries(services)) {
    await writeFile(join(conf, `${name}.conf`), settingsFile(service))
    await writeFile(join(man, `${service.name}.8`), serviceManualPage(service, service.description, VERSION))
  }
  await writeManualPages(man)
  const program = join(await builtProgram('cli'), 'osb-backup.cjs')
  const files = { bash: 'osb-backup', zsh: '_osb-backup', fish: 'osb-backup.fish' }
  for (const [shell, file] of Object.entries(files)) {
    await writeFile(join(completion, file), await run(process.execPath, [program, 'completion', shell]))
  }
}

function changelog(version: string, date: Date): string {
  const day = date.toUTCString().replace('GMT', '+0000')
  return `osb-backup (${version}) unstable; urgency=medium

  * Version ${version}. CHANGELOG.md of the project lists the changes.

 -- OSB Backup Manager developers <packages@osb-backup.dev>  ${day}
`
}
