import { copyFile, cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtProgram, readJson, repository } from './workspace.ts'

/** Writes the manager with its manifest into a folder. */
export async function cloudFoundry(output: string): Promise<string[]> {
  const folder = join(output, 'cf')
  await rm(folder, { recursive: true, force: true })
  await cp(await builtProgram('manager'), folder, { recursive: true })
  for (const name of ['manifest.yml', 'start.cjs']) {
    await copyFile(join(repository, 'deploy/cf', name), join(folder, name))
  }
  // The buildpack installs the Node that it asks for, and nothing else.
  const manifest = await readJson<Record<string, unknown>>(join(folder, 'package.json'))
  const described = { ...manifest, private: true, engines: { node: '24.x' }, scripts: { start: 'node start.cjs' } }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(described, null, 2)}\n`)
  return [folder]
}
