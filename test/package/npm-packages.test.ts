import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { npmPackages } from '../../tools/package/npm-packages.ts'
import { repository, run } from '../../tools/package/workspace.ts'

const program = `
import { ApiError, BackupClient } from '@osb-backup/client'
import { overviewSchema } from '@osb-backup/protocol/v1'
import { objectManifestSchema } from '@osb-backup/protocol'

const client = new BackupClient({ url: process.env.URL ?? '', token: process.env.TOKEN ?? '' })
const overview = overviewSchema.parse(await client.overview())
const page = await client.plans.list({ limit: 5 })
const refused = await client.plans.get('none').catch((error: unknown) => (error instanceof ApiError ? error.status : error))
console.log(JSON.stringify([typeof overview, page.items, refused, typeof objectManifestSchema.parse]))
`

test('the packages are installed into an empty folder, and used from TypeScript and a shell', async () => {
  await using folder = await makeTemporaryFolder()
  const [packed, app] = [join(folder.path, 'packed'), join(folder.path, 'app')]
  for (const path of [packed, app]) await mkdir(path)
  const paths = await npmPackages(packed)
  expect(paths.map((path) => basename(path).replace(/-\d.*/, '')).sort()).toEqual([
    'osb-backup',
    'osb-backup-client',
    'osb-backup-protocol',
  ])
  await writeFile(join(app, 'package.json'), '{ "type": "module", "private": true }')
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...paths], { cwd: app })
  await writeFile(join(app, 'app.ts'), program)
  // With its types, as a user's compiler sees them.
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
  const roots = ['--typeRoots', join(repository, 'node_modules/@types')]
  await run(join(repository, 'node_modules/.bin/tsc'), [...options, ...roots, 'app.ts'], { cwd: app })

  const manager = await startManagerProcess({ DATA_DIR: join(folder.path, 'data') })
  try {
    const env = { URL: manager.url, TOKEN: manager.token }
    expect(JSON.parse(await run(process.execPath, ['app.js'], { cwd: app, env }))).toEqual([
      'object',
      [],
      404,
      'function',
    ])
    const cli = { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: manager.token }
    const listed = await run(join(app, 'node_modules/.bin/osb-backup'), ['plan', 'list', '-o', 'json'], {
      cwd: app,
      env: cli,
    })
    expect(JSON.parse(listed)).toEqual([])
  } finally {
    await manager.stop()
  }
})
