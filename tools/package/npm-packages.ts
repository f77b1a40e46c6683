import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtProgram, createStage, readJson, repository, run } from './workspace.ts'

/** Libraries that are published, in the order in which they are built. */
const libraries = ['protocol', 'client'] as const

interface Manifest {
  name: string
  exports: Record<string, string>
  private?: boolean
  [field: string]: unknown
}

/** Creates the packages of the libraries, as JavaScript with types and source maps, and of the command line. */
export async function npmPackages(output: string): Promise<string[]> {
  await using stage = await createStage()
  await compile(stage.path)
  const folders = libraries.map((name) => join(stage.path, 'packages', name))
  for (const [index, name] of libraries.entries()) await describe(name, folders[index] ?? '', stage.path)
  const commandLine = join(stage.path, 'packages/osb-backup')
  await cp(await builtProgram('cli'), commandLine, { recursive: true })
  await copyFile(join(repository, 'packages/cli/README.md'), join(commandLine, 'README.md'))
  const packed: string[] = []
  for (const folder of [...folders, commandLine]) {
    const listed = await run('npm', ['pack', '--json', '--pack-destination', output], { cwd: folder })
    const [{ filename } = { filename: '' }] = JSON.parse(listed) as { filename: string }[]
    packed.push(join(output, filename))
  }
  return packed
}

/** Compiles all libraries at once, as one imports the sources of the other. */
async function compile(folder: string): Promise<void> {
  const project = join(folder, 'tsconfig.json')
  const sources = libraries.map((name) => join(repository, 'packages', name, 'src'))
  await writeFile(
    project,
    JSON.stringify({
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        sourceMap: true,
        inlineSources: true,
        rewriteRelativeImportExtensions: true,
        rootDir: join(repository, 'packages'),
        outDir: join(folder, 'compiled'),
        typeRoots: [join(repository, 'node_modules/@types')],
      },
      include: sources,
      exclude: sources.map((path) => join(path, '**/*.test.ts')),
    }),
  )
  await run(join(repository, 'node_modules/.bin/tsc'), ['-p', project], { cwd: repository })
}

async function describe(name: string, folder: string, stage: string): Promise<void> {
  const source = join(repository, 'packages', name)
  await mkdir(folder, { recursive: true })
  await cp(join(stage, 'compiled', name, 'src'), join(folder, 'dist'), { recursive: true })
  await copyFile(join(repository, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(join(folder, 'README.md'), await readFile(join(source, 'README.md')))
  const { private: _, ...manifest } = await readJson<Manifest>(join(source, 'package.json'))
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([path, file]) => {
      const built = file.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, '')
      return [path, { types: `${built}.d.ts`, default: `${built}.js` }]
    }),
  )
  const published = { ...manifest, exports, files: ['dist'], engines: { node: '>=24' }, sideEffects: false }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
}
