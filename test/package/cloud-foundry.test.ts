import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { startProcess, waitForOutput } from '../../packages/testkit/src/process.ts'
import { cloudFoundry } from '../../tools/package/cloud-foundry.ts'
import { makeDatabase } from '../manager/own-database.ts'
import { runProgram } from '../tools/built-programs.ts'

test('the folder that is pushed starts with the bound database, and is ready', async () => {
  await using folder = await makeTemporaryFolder()
  await using database = await makeDatabase()
  const [pushed = ''] = await cloudFoundry(folder.path)
  const { applications } = parse(await readFile(join(pushed, 'manifest.yml'), 'utf8'))
  const [application] = applications
  expect(application).toMatchObject({
    instances: 2,
    'health-check-http-endpoint': '/ready',
    command: expect.stringMatching(/^node /),
  })
  const { engines } = JSON.parse(await readFile(join(pushed, 'package.json'), 'utf8'))
  expect(engines).toEqual({ node: '24.x' })

  const none = await runProgram([process.execPath, join(pushed, 'start.cjs')], {
    cwd: folder.path,
    env: { VCAP_SERVICES: '{}' },
  })
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('Bind one PostgreSQL service') })

  const services = {
    postgresql: [{ name: 'db', credentials: { uri: database.url } }],
    other: [{ credentials: { uri: 'amqp://q' } }],
  }
  const port = await freePort()
  const environment = {
    ...application.env,
    OPTIMIZE_MEMORY: 'true',
    PORT: String(port),
    DATA_DIR: folder.path,
    SECRET_KEY: 'ab'.repeat(32),
    VCAP_SERVICES: JSON.stringify(services),
  }
  const manager = startProcess(join(pushed, 'start.cjs'), environment)
  try {
    await waitForOutput(manager, /The manager listens on/, 120_000)
    const ready = await fetch(`http://127.0.0.1:${port}${application['health-check-http-endpoint']}`)
    expect(ready.status).toBe(200)
  } finally {
    await manager.stop()
  }
})
