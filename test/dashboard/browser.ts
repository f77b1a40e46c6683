import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

/** Debian's Chromium. */
export const launchBrowser = (): Promise<Browser> => chromium.launch({ executablePath: '/usr/bin/chromium' })

/** A page of the dashboard, and everything that went wrong in it. */
export interface Dashboard extends AsyncDisposable {
  page: Page
  /** Errors in the console, violations of the Content-Security-Policy and requests to other servers included. */
  problems: string[]
  /** Opens a path, and signs in if a token is given. */
  open(path: string, token?: string): Promise<void>
  /** Follows a link within the page that is open: the session stays. */
  visit(path: string): Promise<void>
}

/** Opens a window with a session of its own. */
export async function openDashboard(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Dashboard> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) problems.push(request.url())
  })
  return {
    page,
    problems,
    async open(path, token) {
      await page.goto(url + path)
      if (token === undefined) return
      await page.getByLabel('Token', { exact: true }).fill(token)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('navigation', { name: 'Main navigation' }).waitFor({ state: 'attached' })
    },
    async visit(path) {
      await page.evaluate(
        `history.pushState({}, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`,
      )
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** What axe finds on a page, by WCAG 2.2 AA and best practices. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  // What fades in has less contrast until it is there.
  await page.evaluate(`Promise.allSettled(document.getAnimations()
    .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity).map(({ finished }) => finished)).then(() => {})`)
  return page.evaluate<string[]>(`axe.run(document).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => id + ': ' + html.slice(0, 200) + ' ' + (any[0]?.message ?? ''))))`)
}

/** Waits until nothing of the page is loading any more. */
export async function expectLoaded(page: Page): Promise<void> {
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0)
}
