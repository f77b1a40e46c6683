import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { writeManualPages } from '../cli-reference.ts'
import { serviceManualPage, settingsFile } from './service-documents.ts'
import { services } from './services.ts'
import { builtProgram, repository, run } from './workspace.ts'

/** Files of the programs that distributions have elsewhere: licences in /usr/share/doc, an npm manifest nowhere. */
const notInstalled = ['LICENSE', 'node_modules', 'package.json']

/**
 * Puts together what packages of a distribution consist of, besides their scripts: `dist` with the programs, `launchers`, `node`, and
 * the documents.
 *
 * @param folder - An existing folder.
 */
export async function copyPackagedFiles(folder: string): Promise<void> {
  await cp(join(repository, 'deploy/debian/launchers'), join(folder, 'launchers'), { recursive: true })
  for (const name of ['manager', 'agent', 'cli'] as const) {
    await cp(await builtProgram(name), join(folder, 'dist', name), {
      recursive: true,
      filter: (path) => !notInstalled.includes(basename(path)),
    })
  }
  await copyNode(join(folder, 'node'))
  await writeDocuments(folder)
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
