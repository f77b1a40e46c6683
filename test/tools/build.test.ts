import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeTemporaryFolder, startAgentProcess, startManagerProcess } from '@osb-backup/testkit'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Issuer } from '../manager/oidc-issuer.ts'
import { type BuiltPrograms, buildPrograms, digestsOf, runProgram } from './built-programs.ts'
import { expectBackupAndRestore } from './first-backup.ts'

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
let built: BuiltPrograms

beforeAll(async () => {
  folder = await makeTemporaryFolder()
  built = await buildPrograms(join(folder.path, 'dist'), { hasEmbeddedPostgres: true })
})

afterAll(() => folder[Symbol.asyncDispose]())

test('the built programs back up and restore, far from any node_modules', async () => {
  const { path } = folder
  const root = join(path, 'first')
  const manager = await startManagerProcess(
    { DATA_DIR: join(path, 'manager'), FILE_DESTINATION_ROOT: root },
    [],
    built.manager,
  )
  const scripts = join(dirname(built.agent), 'script-packs/files')
  const directories = { directory_backup: join(path, 'backup'), directory_restore: join(path, 'restore') }
  const agent = await startAgentProcess(
    { ...directories, scripts_path: scripts, file_destination_root: root },
    [],
    built.agent,
  )
  try {
    await expectBackupAndRestore({
      managerUrl: manager.url,
      token: manager.token,
      agent,
      cli: [process.execPath, built.cli],
      folder: root,
    })
    for (const page of ['/', '/docs/', '/docs/static/swagger-ui-bundle.js', '/docs/static/logo.svg', '/openapi.json']) {
      const answer = await fetch(new URL(page, manager.url))
      expect([page, answer.status]).toEqual([page, 200])
      await answer.arrayBuffer()
    }
  } finally {
    await Promise.all([agent.stop(), manager.stop()])
  }
})

test('a build is reproducible, and names its version, licences and components', async () => {
  const again = join(folder.path, 'elsewhere/dist')
  await buildPrograms(again)
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
  const bundled = {
    manager: ['fastify', 'pg', 'zod', 'react', '@mantine/core', '@aws-sdk/client-s3'],
    agent: ['fastify', 'zod', 'age-encryption'],
    cli: ['commander', 'zod', 'undici', 'yaml', '@aws-sdk/client-s3'],
  }
  for (const [name, packages] of Object.entries(bundled)) {
    const file = built[name as keyof BuiltPrograms]
    const one = await digestsOf(dirname(file))
    const other = await digestsOf(join(again, name))
    // The first one has the embedded PostgreSQL, too, which its documents name.
    const isCompared = (path: string) => name !== 'manager' || !/^\/(node_modules\/|THIRD|sbom)/.test(path)
    const entries = (digests: Record<string, string>) =>
      Object.entries(digests)
        .filter(([path]) => isCompared(path))
        .sort()
    expect(entries(one)).toEqual(entries(other))
    const shown = await runProgram([process.execPath, file, '--version'], { cwd: folder.path })
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout.toString()).toBe(`${version}\n`)

    const licenses = await readFile(join(dirname(file), 'THIRD-PARTY-LICENSES.txt'), 'utf8')
    for (const each of packages) expect(licenses).toMatch(new RegExp(`^${each} \\d+\\.\\d+\\.\\d+\\nLicense: `, 'm'))
    const sbom = JSON.parse(await readFile(join(dirname(file), 'sbom.cdx.json'), 'utf8'))
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { version } } })
    const purls: string[] = sbom.components.map(({ purl }: { purl: string }) => purl)
    for (const each of packages) {
      expect(purls).toContainEqual(expect.stringMatching(`^pkg:npm/${each.replace('@', '%40')}@\\d`))
    }
    const map = JSON.parse(await readFile(`${file}.map`, 'utf8'))
    expect(map.sources).toContainEqual(`packages/${name}/src/main.ts`)
  }
})

test('the bill of materials is valid CycloneDX', async () => {
  const { Validation, Spec } = await import('@cyclonedx/cyclonedx-library')
  for (const file of Object.values(built)) {
    const sbom = await readFile(join(dirname(file), 'sbom.cdx.json'), 'utf8')
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(sbom)).toBeNull()
  }
})

test('the command line works as one file', async () => {
  const { path } = folder
  const run = (args: readonly string[], input: string | Buffer = '') =>
    runProgram([process.execPath, built.cli, ...args], { input, cwd: path })
  // Compression, encryption and the store are loaded only now.
  const identity = await generateX25519Identity()
  await writeFile(join(path, 'key'), identity)
  const destination = ['--destination', join(path, 'store.json')]
  await writeFile(join(path, 'store.json'), JSON.stringify({ type: 'file', directory: path }))
  const transforms = ['--compression', 'zstd', '--recipient', await identityToRecipient(identity)]
  const content = Buffer.alloc(300_000, 'content')
  const stored = await run(['object', 'put', 'a.zst.age', ...destination, ...transforms], content)
  expect(stored).toMatchObject({ code: 0, stderr: '' })
  const { sha256 } = JSON.parse(stored.stdout.toString())
  const expected = ['--sha256', sha256, '--identity-file', join(path, 'key')]
  const got = await run(['object', 'get', 'a.zst.age', ...destination, ...expected])
  expect(got).toMatchObject({ code: 0, stderr: '' })
  expect(got.stdout.equals(content)).toBe(true)
  // So are the parts that sign in.
  await using issuer = await Issuer.start([])
  const refused = await run(['login', 'http://127.0.0.1:9', '--client-id', 'none', '--oidc-issuer', issuer.url])
  expect(refused).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/^Error: The identity provider .* cannot be used/),
  })
})
