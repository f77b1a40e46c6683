import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { thirdPartyLicenses } from './third-party-licenses.ts'

const repository = join(import.meta.dirname, '../..')

/** A program that is shipped as one file. */
export interface Program {
  /** Its folder in packages/ and in dist/. */
  name: string
  /** What the file is called. */
  file: string
}

/** The programs that `npm run build` builds. */
export const programs: readonly Program[] = [{ name: 'cli', file: 'osb-backup.cjs' }]

/**
 * Bundles a program with all packages that it needs, as CommonJS: Node loads that faster, since nothing has to list the exports of
 * its own modules.
 *
 * @param folder - Emptied first; gets the file, its source map, and the licences of the project and of what is bundled.
 * @returns The path of the file, which can be executed.
 */
export async function buildProgram({ name, file }: Program, folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await using bundle = await rolldown({
    input: join(repository, 'packages', name, 'src/main.ts'),
    cwd: repository,
    platform: 'node',
    // What cannot be bundled would be missing where there is no node_modules.
    onLog(level, log) {
      if (level === 'warn') throw new Error(log.message)
    },
  })
  const { output } = await bundle.write({
    dir: folder,
    entryFileNames: file,
    format: 'cjs',
    codeSplitting: false,
    sourcemap: true,
    minify: true,
  })
  const modules = output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []))
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), await thirdPartyLicenses(modules))
  await copyFile(join(repository, 'LICENSE'), join(folder, 'LICENSE'))
  const path = join(folder, file)
  await chmod(path, 0o755)
  return path
}
