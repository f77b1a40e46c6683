import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { cliOf, cliProgram } from '../fixtures/cli.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { Browser } from '../manager/browser.ts'
import { AUDIENCE, Issuer } from '../manager/oidc-issuer.ts'

const OPERATOR = 'osb-backup.operator'
const SCOPE = `openid offline_access ${OPERATOR}`

/** `osb-backup login` while it waits for its code to be confirmed. */
class Login {
  stderr = ''
  readonly #child: ReturnType<typeof spawn>
  readonly #closed: Promise<unknown>

  constructor(home: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [cliProgram, 'login', ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: home, TZ: 'UTC' },
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#closed = once(this.#child, 'close')
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  /** The address with the code that it shows. */
  async address(): Promise<string> {
    await expect.poll(() => this.stderr).toMatch(/Open \S+ in a browser and confirm the code \S+\./)
    return /Open (\S+)/.exec(this.stderr)?.[1] ?? ''
  }

  /** @returns The exit code. */
  async ended(): Promise<number | null> {
    await this.#closed
    return this.#child.exitCode
  }
}

test('a code that is confirmed in a browser signs in; one that is denied or expires does not', async () => {
  await using stack = new AsyncDisposableStack()
  const claims = { instances: ['shop-db'] }
  const issuer = stack.use(
    await Issuer.start([
      // Commands refresh a token that expires soon: each does.
      { id: 'cli', scope: SCOPE, claims, deviceCodeSeconds: 600, tokenSeconds: 29 },
      { id: 'impatient', scope: SCOPE, deviceCodeSeconds: 2 },
    ]),
  )
  const folder = stack.use(await makeTemporaryFolder())
  const manager = await startManagerProcess({
    DATA_DIR: folder.path,
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    OIDC_INSTANCES_CLAIM: 'instances',
  })
  stack.defer(() => manager.stop())
  for (const id of ['shop-db', 'foreign']) await registerInstance(manager.client, id, unreachableAgent)
  const login = async (name: string, clientId: string, scope = SCOPE) => {
    const home = join(folder.path, name)
    await mkdir(home)
    const at = ['--oidc-issuer', issuer.url, '--client-id', clientId, '--scope', scope]
    return { home, cli: cliOf(home, {}), running: new Login(home, [manager.url, ...at]) }
  }
  const [confirmed, denied, late, unknown] = await Promise.all([
    login('confirmed', 'cli'),
    login('denied', 'cli'),
    login('late', 'impatient'),
    login('unknown', 'nobody'),
  ])

  const denying = new Browser()
  await denying.open(await denied.running.address())
  await denying.submit({ abort: 'yes' })
  const confirming = new Browser()
  await confirming.open(await confirmed.running.address())
  await confirming.submit()
  await confirming.submit()
  await confirming.submit({ login: 'ada', password: 'any' })
  await confirming.submit()

  expect(await confirmed.running.ended(), confirmed.running.stderr).toBe(0)
  expect(confirmed.running.stderr).toContain(`Signed in to ${manager.url}`)
  const listed = await confirmed.cli(['instance', 'list', '-o', 'name'])
  expect(listed, listed.stderr).toMatchObject({ code: 0, stdout: 'shop-db\n' })
  const configuration = join(confirmed.home, '.config/osb-backup/config.yaml')
  const first = await readFile(configuration, 'utf8')
  expect(first).toContain('refreshToken')
  expect(await confirmed.cli(['instance', 'show', 'foreign'])).toMatchObject({ code: 4 })
  expect(await readFile(configuration, 'utf8')).not.toBe(first)

  expect(await denied.running.ended()).toBe(5)
  expect(denied.running.stderr).toContain(`The sign-in was denied at ${issuer.url}.`)
  expect(await late.running.ended()).toBe(7)
  expect(late.running.stderr).toMatch(/The code \S+ expired: it was not confirmed within 2 s\.\n.*osb-backup login/)
  expect(await unknown.running.ended()).toBe(5)
  expect(unknown.running.stderr).toContain('invalid_client')
  for (const { cli } of [denied, late, unknown])
    expect(await cli(['instance', 'list'])).toMatchObject({ code: 2, stderr: expect.stringContaining('No manager is') })

  await issuer[Symbol.asyncDispose]()
  const offline = await confirmed.cli(['instance', 'list'])
  expect(offline).toMatchObject({ code: 6, stderr: expect.stringContaining(issuer.url) })
})
