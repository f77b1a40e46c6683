import { type ManagerProcess, makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { AUDIENCE, Issuer } from '../manager/oidc-issuer.ts'
import { accessibilityViolations, type Dashboard, launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

const SCOPE = 'openid offline_access osb-backup.operator'
/** Longer than a token is valid, in the browser. */
const LATER_MS = 60_000

let stack: AsyncDisposableStack
let issuer: Issuer
let manager: ManagerProcess
let browser: Browser

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  issuer = stack.use(
    await Issuer.start([
      // A token that expires within half a minute is refreshed by each call.
      {
        id: 'dashboard',
        scope: SCOPE,
        claims: { instances: ['shop-db'], user_name: 'Ada' },
        redirectPath: '/sign-in',
        tokenSeconds: 29,
      },
    ]),
  )
  const folder = stack.use(await makeTemporaryFolder())
  manager = await startManagerProcess({
    DATA_DIR: folder.path,
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    OIDC_INSTANCES_CLAIM: 'instances',
    OIDC_DASHBOARD_CLIENT_ID: 'dashboard',
    OIDC_DASHBOARD_SCOPE: SCOPE,
  })
  stack.defer(() => manager.stop())
  for (const id of ['shop-db', 'foreign']) await registerInstance(manager.client, id, unreachableAgent)
  browser = await launchBrowser()
  stack.defer(() => browser.close())
})

afterAll(() => stack.disposeAsync())

const providerButton = (page: Page) => page.getByRole('button', { name: `Sign in at ${new URL(issuer.url).host}` })

/** Opens a path, goes to the provider, and signs in there. */
async function signIn(dashboard: Dashboard, path: string): Promise<void> {
  const { page } = dashboard
  // The pages of the provider load a font from elsewhere.
  await page.route('**/fonts.googleapis.com/**', (route) => route.fulfill({ contentType: 'text/css', body: '' }))
  await dashboard.open(path)
  await providerButton(page).click()
  await page.getByPlaceholder('Enter any login').fill('ada')
  await page.getByPlaceholder('and password').fill('any')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

/** What went wrong in the dashboard; that the provider was called is no problem here. */
const problemsOf = ({ problems }: Dashboard) =>
  problems.filter((problem) => !problem.startsWith(issuer.url) && !problem.includes('fonts.googleapis.com'))

const storageOf = (page: Page) =>
  page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])')

test('a code with PKCE leads to the page that was asked for; tokens are refreshed, and kept in memory alone', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  const authorizations: URL[] = []
  const grants: string[] = []
  page.on('request', (request: Request) => {
    const url = new URL(request.url())
    if (request.url().startsWith(`${issuer.url}/auth?`)) authorizations.push(url)
    if (url.pathname === '/token') grants.push(new URLSearchParams(request.postData() ?? '').get('grant_type') ?? '')
  })
  const tokens: string[] = []
  page.on('response', async (response) => {
    if (new URL(response.url()).pathname !== '/token') return
    const { access_token, refresh_token, id_token } = (await response.json()) as Record<string, string>
    tokens.push(...[access_token, refresh_token, id_token].filter((token) => token !== undefined))
  })
  await signIn(dashboard, '/instances/shop-db?tab=jobs')
  await page.getByRole('heading', { level: 1, name: 'shop-db' }).waitFor()
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/instances/shop-db?tab=jobs')
  await page.getByText('Ada (operator)').waitFor()
  expect(Object.fromEntries(authorizations[0]?.searchParams ?? [])).toMatchObject({
    response_type: 'code',
    client_id: 'dashboard',
    code_challenge_method: 'S256',
    redirect_uri: `${manager.url}/sign-in`,
    state: expect.stringMatching(/^.{20,}$/),
    nonce: expect.stringMatching(/^.{20,}$/),
  })

  // Pages continue with new tokens, each of which is good for one refresh.
  await dashboard.visit('/plans')
  await page.getByRole('heading', { level: 1, name: 'Plans' }).waitFor()
  await dashboard.visit('/alarms')
  await page.getByRole('heading', { level: 1, name: 'Alarms' }).waitFor()
  await expect.poll(() => grants.filter((grant) => grant === 'refresh_token').length).toBeGreaterThan(3)
  expect(grants.filter((grant) => grant === 'authorization_code')).toEqual(['authorization_code'])
  await dashboard.visit('/instances/foreign')
  await page.getByText('This does not exist, or you were not granted it').waitFor()
  expect(tokens.length).toBeGreaterThan(3)
  const stored = await storageOf(page)
  for (const token of tokens) expect(stored).not.toContain(token)
  expect(stored).not.toContain('code=')
  expect(problemsOf(dashboard).filter((problem) => !problem.includes('404'))).toEqual([])

  // The session ends at the provider: the page says so, where it is.
  await page.route(`${issuer.url}/token`, (route) =>
    route.fulfill({
      status: 400,
      contentType: 'application/json',
      headers: { 'access-control-allow-origin': '*' },
      body: JSON.stringify({ error: 'invalid_grant' }),
    }),
  )
  await page.clock.setSystemTime(Date.now() + LATER_MS)
  await dashboard.visit('/plans?q=nightly')
  await page.getByText('Your session has expired. Sign in again.').waitFor()
  await page.unroute(`${issuer.url}/token`)
  expect(await accessibilityViolations(page)).toEqual([])
  // The provider still knows who it is. It has no page to sign out, so it does so afterwards too.
  await page.route('**/v1/sign-in/identity-provider', async (route) => {
    const response = await route.fetch()
    const { endSessionEndpoint: _, ...endpoints } = (await response.json()) as Record<string, string>
    return route.fulfill({ response, json: endpoints })
  })
  await providerButton(page).click()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { level: 1, name: 'Plans' }).waitFor()
  expect(new URL(page.url()).search).toBe('?q=nightly')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('The identity provider may still know who you are.').waitFor()
})

test('signing out revokes the refresh token, and signs out of the identity provider', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  const refreshTokens: string[] = []
  const revoked: { token: string | null; hint: string | null }[] = []
  page.on('response', async (response) => {
    if (new URL(response.url()).pathname !== '/token') return
    refreshTokens.push(((await response.json()) as { refresh_token: string }).refresh_token)
  })
  page.on('request', (request) => {
    if (request.url() !== `${issuer.url}/token/revocation`) return
    const sent = new URLSearchParams(request.postData() ?? '')
    revoked.push({ token: sent.get('token'), hint: sent.get('token_type_hint') })
  })
  await signIn(dashboard, '/about')
  await page.getByRole('heading', { level: 1, name: 'About' }).waitFor()
  const [signOut] = await Promise.all([
    page.waitForRequest((request) => request.url().startsWith(`${issuer.url}/session/end`)),
    page.getByRole('button', { name: 'Sign out' }).click(),
  ])
  expect(Object.fromEntries(new URL(signOut.url()).searchParams)).toEqual({
    client_id: 'dashboard',
    post_logout_redirect_uri: `${manager.url}/sign-in`,
  })
  await page.getByRole('button', { name: 'Yes, sign me out' }).click()
  await providerButton(page).waitFor()
  expect(new URL(page.url()).pathname).toBe('/')

  await expect.poll(() => revoked).toEqual([{ token: refreshTokens.at(-1), hint: 'refresh_token' }])
  const refresh = { grant_type: 'refresh_token', client_id: 'dashboard', refresh_token: refreshTokens.at(-1) ?? '' }
  const tryRefresh = async () =>
    (await fetch(`${issuer.url}/token`, { method: 'POST', body: new URLSearchParams(refresh) })).json()
  await expect.poll(tryRefresh).toMatchObject({ error: 'invalid_grant' })
  // The provider asks again who it is.
  await providerButton(page).click()
  await page.getByPlaceholder('Enter any login').waitFor()
})

test('a sign-in that is denied says so', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  await page.route('**/fonts.googleapis.com/**', (route) => route.fulfill({ contentType: 'text/css', body: '' }))
  await dashboard.open('/')
  await providerButton(page).click()
  await page.getByText('[ Cancel ]').click()
  await page.getByRole('alert').getByText(`The sign-in was denied at ${issuer.url}.`).waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
  expect(problemsOf(dashboard)).toEqual([])
})

test('an answer that this window did not ask for is not used', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  let exchanges = 0
  page.on('request', (request) => {
    if (request.url() === `${issuer.url}/token`) exchanges++
  })
  await dashboard.open('/sign-in?code=stolen&state=forged')
  const refusal = page.getByRole('alert').getByText('This sign-in was not started in this window')
  await refusal.waitFor()
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/')
  // A pending sign-in makes no difference to one with another state.
  await dashboard.open('/')
  await page.route(`${issuer.url}/auth?**`, (route) => route.fulfill({ contentType: 'text/html', body: '<p>away</p>' }))
  await providerButton(page).click()
  await page.getByText('away').waitFor()
  await dashboard.open('/sign-in?code=stolen&state=forged')
  await refusal.waitFor()
  expect(exchanges).toBe(0)
})

test.for([
  {
    what: 'another nonce is refused',
    change: { nonce: 'of-somebody-else' },
    message: 'This sign-in was not started in this window',
  },
  { what: 'no role here is refused', change: { scope: 'openid' }, message: 'it gives you no role here' },
])('a user whose token has $what', async ({ change, message }) => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  await page.route(
    `${issuer.url}/auth?**`,
    (route) => {
      const url = new URL(route.request().url())
      for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value)
      return route.fulfill({ status: 302, headers: { location: url.href.replace('/auth?', '/auth?changed=1&') } })
    },
    { times: 1 },
  )
  await signIn(dashboard, '/')
  await page.getByRole('alert').getByText(message).waitFor()
})

test('the issuer may be called by the page that it opens, and by no other', async () => {
  const policyOf = async (path: string) =>
    (await fetch(manager.url + path)).headers.get('content-security-policy') ?? ''
  expect(await policyOf('/sign-in')).toContain(`connect-src 'self' ${issuer.url};`)
  expect(await policyOf('/')).toContain("connect-src 'self';")
  expect(await (await fetch(`${manager.url}/v1/sign-in`)).json()).toEqual({
    identityProvider: { issuer: issuer.url, clientId: 'dashboard', scope: SCOPE },
  })
})

test('a token of the manager signs in as well', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  await dashboard.open('/about', TEST_TOKEN)
  await dashboard.page.getByRole('heading', { level: 1, name: 'About' }).waitFor()
  expect(dashboard.problems).toEqual([])
})
