import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, glob, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { VERSION } from '@osb-backup/node'
import { buildProgram } from '../build/build-program.ts'
import { fileOf, programs } from '../build/programs.ts'
import { archive } from '../package/helm.ts'
import { kinds } from '../package/kinds.ts'
import { repository } from '../package/workspace.ts'

/** Kinds whose packages are files of a release; images are pushed to a registry, and BOSH and Cloud Foundry get archives. */
const fileKinds = ['npm', 'executable', 'deb', 'rpm', 'helm'] as const
const folderKinds = ['cf', 'bosh'] as const

/**
 * Creates everything that a release publishes, except images: archives of the programs, packages, bills of materials, and
 * `SHA256SUMS` over all of them.
 *
 * @param output - Emptied first.
 * @param only - Kinds of packages to create; all by default.
 */
export async function assembleRelease(
  output: string,
  only: readonly string[] = [...fileKinds, ...folderKinds],
): Promise<string[]> {
  await rm(output, { recursive: true, force: true })
  await mkdir(output, { recursive: true })
  for (const program of programs) {
    const folder = join(repository, 'dist', program.name)
    await buildProgram(program, folder)
    await archive(join(output, `${program.command}-${VERSION}.tar.gz`), join(repository, 'dist'), program.name)
    await copyFile(join(folder, 'sbom.cdx.json'), join(output, `${program.command}-${VERSION}.cdx.json`))
    await stat(join(folder, fileOf(program)))
  }
  for (const name of fileKinds.filter((each) => only.includes(each))) await kinds[name]?.create(output)
  for (const name of folderKinds.filter((each) => only.includes(each))) {
    await kinds[name]?.create(output)
    await archive(join(output, `osb-backup-${name}-${VERSION}.tar.gz`), output, name)
    await rm(join(output, name), { recursive: true })
  }
  return writeChecksums(output)
}

/** As `sha256sum` writes and checks them. */
async function writeChecksums(folder: string): Promise<string[]> {
  const files = (await Array.fromAsync(glob('*', { cwd: folder }))).sort()
  const lines: string[] = []
  for (const name of files) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(folder, name)), hash)
    lines.push(`${hash.digest('hex')}  ${name}\n`)
  }
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''))
  return [...files, 'SHA256SUMS'].map((name) => relative(repository, join(folder, name)))
}
