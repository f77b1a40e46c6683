import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { buildProgram, programs } from '../../tools/build/build-program.ts'
import { Issuer } from '../manager/oidc-issuer.ts'

test('the command line works as one file, without node_modules', async () => {
  await using folder = await makeTemporaryFolder()
  const [program] = programs.filter(({ name }) => name === 'cli')
  if (program === undefined) throw new Error('it is not built')
  const file = await buildProgram(program, join(folder.path, 'cli'))
  const run = async (args: readonly string[], input: string | Buffer = '') => {
    const env = { PATH: process.env.PATH ?? '', HOME: folder.path }
    const child = spawn(process.execPath, [file, ...args], { cwd: folder.path, env })
    child.stdin.end(input)
    const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
    return { code: child.exitCode, stdout, stderr }
  }
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../packages/cli/package.json'), 'utf8'))
  expect((await run(['--version'])).stdout.toString()).toBe(`${version}\n`)

  // Compression, encryption and the store are loaded only now.
  const identity = await generateX25519Identity()
  await writeFile(join(folder.path, 'key'), identity)
  const destination = ['--destination', join(folder.path, 'store.json')]
  await writeFile(join(folder.path, 'store.json'), JSON.stringify({ type: 'file', directory: folder.path }))
  const transforms = ['--compression', 'zstd', '--recipient', await identityToRecipient(identity)]
  const content = Buffer.alloc(300_000, 'content')
  const stored = await run(['object', 'put', 'a.zst.age', ...destination, ...transforms], content)
  expect(stored).toMatchObject({ code: 0, stderr: '' })
  const { sha256 } = JSON.parse(stored.stdout.toString())
  const expected = ['--sha256', sha256, '--identity-file', join(folder.path, 'key')]
  const got = await run(['object', 'get', 'a.zst.age', ...destination, ...expected])
  expect(got).toMatchObject({ code: 0, stderr: '' })
  expect(got.stdout.equals(content)).toBe(true)
  // So are the parts that sign in.
  await using issuer = await Issuer.start([])
  const login = ['login', 'http://127.0.0.1:9', '--client-id', 'none', '--oidc-issuer', issuer.url]
  const refused = await run(login)
  expect(refused).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/^Error: The identity provider .* cannot be used/),
  })

  const licenses = await readFile(join(folder.path, 'cli/THIRD-PARTY-LICENSES.txt'), 'utf8')
  for (const name of ['commander', 'zod', 'undici', 'yaml', '@aws-sdk/client-s3'])
    expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\nLicense: `, 'm'))
  const map = JSON.parse(await readFile(`${file}.map`, 'utf8'))
  expect(map.sources).toContainEqual(expect.stringMatching(/packages\/cli\/src\/run\.ts$/))
})
