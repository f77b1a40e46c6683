import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { licenseTextOf } from './license-text.ts'

const nodeModules = join(import.meta.dirname, '../../node_modules')

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  author: z.union([z.string(), z.object({ name: z.string() })]).optional(),
})

/** What the build of the dashboard writes of each package that it bundles. */
const dashboardLicensesSchema = z.array(
  z.object({ name: z.string(), version: z.string(), identifier: z.string(), text: z.string().optional() }),
)

/** A package of others that a program is shipped with. */
export interface ThirdPartyPackage {
  name: string
  version: string
  /** An SPDX expression. */
  license: string
  /** The text of the licence, which has to be shipped. */
  text: string
}

/**
 * The packages that modules belong to.
 *
 * @param modules - Paths; those outside of node_modules are our own.
 * @throws {Error} If a package has no text of its licence.
 */
export async function packagesOf(modules: readonly string[]): Promise<ThirdPartyPackage[]> {
  const folders = new Set(modules.flatMap((path) => packageFolderOf(path) ?? []))
  return Promise.all([...folders].map(packageIn))
}

/** The package in a folder of node_modules. */
export async function packageIn(folder: string): Promise<ThirdPartyPackage> {
  const { name, version, license, author } = manifestSchema.parse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  )
  const holder = typeof author === 'object' ? author.name : author
  return { name, version, license, text: await licenseTextOf(folder, license, holder) }
}

/** The packages that are bundled in the built dashboard in a folder. */
export async function packagesOfDashboard(folder: string): Promise<ThirdPartyPackage[]> {
  const path = join(folder, 'licenses.json')
  const entries = dashboardLicensesSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  return Promise.all(
    entries.map(async ({ name, version, identifier, text }) => {
      return text ? { name, version, license: identifier, text } : packageIn(join(nodeModules, name))
    }),
  )
}

/** Each package once, in the order of name and version. */
export function uniquePackages(packages: readonly ThirdPartyPackage[]): ThirdPartyPackage[] {
  const byName = new Map(packages.map((each) => [`${each.name} ${each.version}`, each]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/** The licences of packages as one text. */
export function licensesText(packages: readonly ThirdPartyPackage[]): string {
  const sections = packages.map(
    ({ name, version, license, text }) => `${name} ${version}\nLicense: ${license}\n\n${text}`,
  )
  return `${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/** The folder of the package that a module belongs to: the one after the last node_modules. */
function packageFolderOf(path: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
}
