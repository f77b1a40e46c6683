import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { errorCode } from '@osb-backup/node'
import type { SignInEndpoints } from '../access/oidc/provider.ts'
import type { Context } from '../context/context.ts'
import type { App } from './typed-app.ts'

/** Paths that the router of the dashboard knows, each with everything below it. The paths of the legacy API are others. */
const pages = [
  ...['agents', 'destinations', 'instances', 'jobs', 'plans', 'policies', 'restore', 'restore-points'],
  ...['alarms', 'notifications', 'access', 'audit-log', 'about'],
]
/** Where the identity provider sends users back to, with a code in the query. */
const SIGN_IN_PATH = '/sign-in'

/** What the build leaves in index.html where the nonce of a response belongs (packages/dashboard/vite.config.ts). */
const NONCE_PLACEHOLDER = '__CSP_NONCE__'
const NONCE_BYTES = 18

/** What is served. */
export interface DashboardOptions {
  directory: string
  /** Where users of an identity provider sign in; undefined: they cannot. */
  signInEndpoints: (() => Promise<SignInEndpoints>) | undefined
}

/**
 * Serves the dashboard at `/`, as it was built into `directory`. Its assets have their digest in their name and are cached for
 * good; the page that names them is not, and allows with a nonce of its own the styles that it creates.
 *
 * Nothing is served, and `/` says why, while it has not been built.
 */
export async function serveDashboard(
  app: App,
  log: Context['log'],
  { directory, signInEndpoints }: DashboardOptions,
): Promise<void> {
  const template = join(directory, 'index.html')
  if (!(await isFile(template))) {
    log.info({ directory }, 'the dashboard is not served: it has not been built')
    app.get('/', { config: { access: 'open' }, schema: { hide: true } }, (_request, reply) =>
      reply
        .code(404)
        .type('text/plain; charset=utf-8')
        .send('The dashboard has not been built: run "npm run build". The API is at /v1, its description at /docs.\n'),
    )
    return
  }
  await serveAssets(app, join(directory, 'assets'))
  const servePage = (path: string, findServers: () => Promise<string[]>) =>
    app.get(path, { config: { access: 'open' }, schema: { hide: true } }, async (_request, reply) => {
      const nonce = randomBytes(NONCE_BYTES).toString('base64')
      const servers = await findServers()
      // Read each time: it names the assets of the newest build.
      const html = await readFile(template, 'utf8')
      return reply
        .headers({ ...pageHeaders, 'content-security-policy': contentSecurityPolicy(nonce, servers) })
        .type('text/html; charset=utf-8')
        .send(html.replaceAll(NONCE_PLACEHOLDER, nonce))
    })
  for (const path of ['/', ...pages.flatMap((page) => [`/${page}`, `/${page}/*`])]) servePage(path, async () => [])
  servePage(SIGN_IN_PATH, () => tokenServers(signInEndpoints, log))
}

/** The origins at which a page that was sent back from the identity provider gets, refreshes and revokes its tokens. */
async function tokenServers(
  signInEndpoints: DashboardOptions['signInEndpoints'],
  log: Context['log'],
): Promise<string[]> {
  if (signInEndpoints === undefined) return []
  try {
    const { tokenEndpoint, revocationEndpoint = tokenEndpoint } = await signInEndpoints()
    return [...new Set([tokenEndpoint, revocationEndpoint].map((endpoint) => new URL(endpoint).origin))]
  } catch (error) {
    // The page says so itself: it asks for the endpoints too.
    log.debug({ err: error }, 'the sign-in page is served without its identity provider')
    return []
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

async function serveAssets(app: App, root: string): Promise<void> {
  await app.register(async (assets) => {
    assets.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'open' }
      route.schema = { ...route.schema, hide: true }
    })
    await assets.register(fastifyStatic, {
      root,
      prefix: '/assets/',
      decorateReply: false,
      index: false,
      immutable: true,
      maxAge: '1y',
      // The build stores each asset compressed as well.
      preCompressed: true,
      setHeaders: (response) => void response.header('x-content-type-options', 'nosniff'),
    })
  })
}

const pageHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const

/** The page runs its own scripts alone, talks to this manager and these servers alone, and is shown in no frame. */
function contentSecurityPolicy(nonce: string, servers: readonly string[]): string {
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': `'self' 'nonce-${nonce}'`,
    'img-src': "'self' data:",
    'connect-src': ["'self'", ...servers].join(' '),
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  }
  return Object.entries(directives)
    .map((directive) => directive.join(' '))
    .join('; ')
}
