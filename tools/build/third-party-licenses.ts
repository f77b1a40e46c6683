import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string() })

/**
 * The licences of the packages that modules belong to, as texts that have to be shipped with them.
 *
 * @param modules - Paths; those outside of node_modules are our own.
 * @throws {Error} If a package has no text of its licence.
 */
export async function thirdPartyLicenses(modules: readonly string[]): Promise<string> {
  const folders = new Set(modules.flatMap((path) => packageFolderOf(path) ?? []))
  const sections = new Map<string, string>()
  for (const folder of [...folders].sort()) {
    const { name, version, license } = packageSchema.parse(
      JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
    )
    sections.set(
      `${name} ${version}`,
      `${name} ${version}\nLicense: ${license}\n\n${await licenseTextOf(folder, license)}`,
    )
  }
  return `${[...sections.values()].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/** The folder of the package that a module belongs to: the one after the last node_modules. */
function packageFolderOf(path: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
}

async function licenseTextOf(folder: string, license: string): Promise<string> {
  const texts: string[] = []
  for await (const name of glob('{LICEN[CS]E,licen[cs]e,COPYING,NOTICE}*', { cwd: folder }))
    texts.push((await readFile(join(folder, name), 'utf8')).trim())
  if (texts.length > 0) return texts.join('\n\n')
  // The project has this licence, too: its text is shipped beside this one.
  if (license === 'Apache-2.0') return 'The text of this licence is in the file LICENSE.'
  throw new Error(`${folder} contains no text of its licence (${license})`)
}
