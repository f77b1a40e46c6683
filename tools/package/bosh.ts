import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { agentSettingsSections } from '@osb-backup/agent'
import { managerSettingsSections } from '@osb-backup/manager'
import type { SettingsSection } from '@osb-backup/node'
import { parseDocument } from 'yaml'
import { builtProgram, repository } from './workspace.ts'

/** Writes the release as a folder that `bosh create-release` makes a tarball of. */
export async function bosh(output: string): Promise<string[]> {
  const folder = join(output, 'bosh')
  await rm(folder, { recursive: true, force: true })
  await writeJobs(folder)
  for (const name of ['manager', 'agent'] as const) {
    await cp(await builtProgram(name), join(folder, 'src', name), { recursive: true })
  }
  await mkdir(join(folder, 'src/node/bin'), { recursive: true })
  await copyFile(process.execPath, join(folder, 'src/node/bin/node'))
  await copyFile(join(dirname(dirname(process.execPath)), 'LICENSE'), join(folder, 'src/node/LICENSE'))
  return [folder]
}

/** Writes deploy/bosh/ with a property for every setting. */
export async function writeJobs(folder: string): Promise<void> {
  await cp(join(repository, 'deploy/bosh'), folder, { recursive: true })
  await copyFile(join(repository, 'LICENSE'), join(folder, 'LICENSE'))
  await describeJob(join(folder, 'jobs/backup-manager'), managerSettingsSections)
  await describeJob(join(folder, 'jobs/backup-agent'), agentSettingsSections)
}

async function describeJob(folder: string, sections: readonly SettingsSection[]): Promise<void> {
  const settings = sections.flatMap(({ table }) => Object.entries(table))
  const path = join(folder, 'spec')
  const spec = parseDocument(await readFile(path, 'utf8'))
  for (const [name, { description, default: value }] of settings) {
    const isPreset = presetByTemplate.includes(name)
    spec.setIn(['properties', name.toLowerCase()], {
      description: `${description.charAt(0).toUpperCase()}${description.slice(1)}`,
      ...(value === undefined || isPreset ? {} : { default: typed(value) }),
    })
  }
  await writeFile(path, spec.toString({ lineWidth: 0 }))
  const template = join(folder, 'templates/bpm.yml.erb')
  const names = settings.map(([name]) => name).join(' ')
  await writeFile(template, (await readFile(template, 'utf8')).replace('@SETTINGS@', names))
}

/** Settings for which bpm.yml.erb has other defaults, which suit an instance of BOSH. */
const presetByTemplate = ['HOST', 'DATA_DIR']

/** A default as YAML has it. */
function typed(value: string): string | number | boolean {
  if (/^\d+$/.test(value)) return Number(value)
  return value === 'true' || value === 'false' ? value === 'true' : value
}
