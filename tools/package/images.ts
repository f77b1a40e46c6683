import { copyFile, cp, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { builtProgram, createStage, repository, run, sourceDate } from './workspace.ts'

/** The names of the images, by the targets of deploy/image/Containerfile that they are built from. */
const names: Readonly<Record<string, string>> = {
  manager: 'osb-backup-manager',
  'agent-base': 'osb-backup-agent',
  'agent-postgresql': 'osb-backup-agent-postgresql',
  'agent-mariadb': 'osb-backup-agent-mariadb',
  'agent-redis': 'osb-backup-agent-redis',
}

/** Programs that build images, all with these arguments. */
const builders = ['buildah', 'podman', 'docker']

/**
 * Builds the images with the builder that is installed, and tags them with the version and `latest`. `IMAGE_BASE` names another base
 * than that of the Containerfile, and `IMAGE_TARGETS` some of its targets, with commas between them.
 */
export async function images(): Promise<string[]> {
  const builder = await findBuilder()
  await using stage = await createStage()
  await writeContext(stage.path)
  const targets = process.env.IMAGE_TARGETS?.split(',') ?? Object.keys(names)
  const base = process.env.IMAGE_BASE === undefined ? [] : ['--build-arg', `BASE=${process.env.IMAGE_BASE}`]
  // Docker has no such option; it takes the time from the environment.
  const date = builder === 'docker' ? [] : ['--timestamp', await sourceDate()]
  const built: string[] = []
  for (const target of targets) {
    const name = names[target]
    if (name === undefined) throw new Error(`There is no target ${target}: they are ${Object.keys(names).join(', ')}.`)
    const tags = [`${name}:${VERSION}`, `${name}:latest`].flatMap((tag) => ['--tag', tag])
    const file = ['--file', join(repository, 'deploy/image/Containerfile')]
    await run(builder, [
      'build',
      ...['--target', target, ...tags, ...file, ...base, ...date, ...formatOf(builder)],
      ...['--build-arg', `VERSION=${VERSION}`, stage.path],
    ])
    built.push(`${name}:${VERSION}`)
  }
  return built
}

/** The OCI format knows no HEALTHCHECK; Docker's own tool writes no other than its own. */
const formatOf = (builder: string): string[] => (builder === 'docker' ? [] : ['--format', 'docker'])

async function findBuilder(): Promise<string> {
  for (const builder of builders) {
    const isThere = await run(builder, ['--version']).then(
      () => true,
      () => false,
    )
    if (isThere) return builder
  }
  throw new Error(`Images need one of ${builders.join(', ')}: install buildah, for example.`)
}

/** What the Containerfile copies. */
async function writeContext(folder: string): Promise<void> {
  for (const name of ['manager', 'agent'] as const)
    await cp(await builtProgram(name), join(folder, name), { recursive: true })
  const node = dirname(dirname(process.execPath))
  for (const directory of ['node/bin', 'node/share/licenses/node'])
    await mkdir(join(folder, directory), { recursive: true })
  await copyFile(process.execPath, join(folder, 'node/bin/node'))
  await copyFile(join(node, 'LICENSE'), join(folder, 'node/share/licenses/node/LICENSE'))
  await copyFile(join(repository, 'deploy/image/healthcheck.mjs'), join(folder, 'healthcheck.mjs'))
  await copyFile(join(repository, 'LICENSE'), join(folder, 'LICENSE'))
}
