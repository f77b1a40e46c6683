import type { TlsFiles } from '@osb-backup/node'
import type { FastifyBaseLogger } from 'fastify'
import Fastify, { LogController } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { createIdentityProvider, KEY_COOLDOWN_MS } from '../access/oidc/identity-provider.ts'
import type { Context } from '../context/context.ts'
import { requestLog } from '../context/log.ts'
import { readClock } from '../database/clock.ts'
import { authenticate } from './authentication.ts'
import { serveDashboard } from './dashboard.ts'
import { REQUEST_DEADLINE_MS } from './deadlines.ts'
import { EventStreams } from './event-stream.ts'
import { healthRoute } from './health.ts'
import { browseApi } from './openapi/browse-api.ts'
import { describeApi } from './openapi/describe-api.ts'
import { allowOrigins } from './origins.ts'
import { answerErrors, answerUnreadablePath } from './problems.ts'
import { followRequests, requestIdOf } from './request-context.ts'
import { refuseUnstorableText } from './storable-text.ts'
import { tlsOptions } from './tls.ts'
import type { App } from './typed-app.ts'
import { signInRoutes } from './v1/sign-in.ts'

/** Largest request body: old clients send a whole job with its logs back to restore it. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024
/** How long open requests may take when the manager shuts down. */
const CLOSE_GRACE_MS = 5000

/** Adds routes to the app. */
export type Routes = (app: App, context: Context) => void

/** Clients send `Content-Type: application/json` with a DELETE that has no body; an empty one counts as none. */
function acceptEmptyBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    (request, body, done) => {
      if (body.length === 0) done(null, undefined)
      else void parse(request, body.toString(), done)
    },
  )
}

/**
 * Builds the API. It does not listen yet.
 *
 * @param routes - What it serves besides `/health`, `/openapi.json`, `/docs` and the dashboard.
 * @param tls - Serves HTTPS with this certificate; plain HTTP without.
 */
export async function buildApp(context: Context, routes: readonly Routes[], tls?: TlsFiles): Promise<App> {
  const { trustedProxies } = context.settings
  const app: App = Fastify({
    ...(tls === undefined ? {} : { https: tlsOptions(tls) }),
    // Others could name any address as theirs.
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    loggerInstance: context.log as FastifyBaseLogger,
    childLoggerFactory: (log, bindings, options) => requestLog(log, bindings, options),
    genReqId: requestIdOf,
    logController: new LogController({ requestIdLogLabel: 'requestId' }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 60_000,
    handlerTimeout: REQUEST_DEADLINE_MS,
    routerOptions: { maxParamLength: 300 },
    forceCloseConnections: 'idle',
    frameworkErrors: answerUnreadablePath,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  acceptEmptyBodies(app)
  answerErrors(app)
  followRequests(app)
  await allowOrigins(app, context.settings.allowedOrigins)
  await describeApi(app)
  const { oidc } = context.settings
  const provider =
    oidc && createIdentityProvider(oidc, context.log, { now: () => readClock(context), keyCooldownMs: KEY_COOLDOWN_MS })
  authenticate(app, context, provider?.identifyUser)
  app.decorate('eventStreams', new EventStreams(app, context))
  refuseUnstorableText(app)
  healthRoute(app)
  signInRoutes(app, context.settings, provider)
  for (const add of routes) add(app, context)
  await browseApi(app)
  await serveDashboard(app, context.log, {
    directory: context.settings.dashboardDirectory,
    signInEndpoints: oidc?.dashboard && provider?.signInEndpoints,
  })
  return app
}

/** Finishes open requests, for a while; then closes their connections. */
export async function closeApp(app: App): Promise<void> {
  const cutOff = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS)
  try {
    await app.close()
  } finally {
    clearTimeout(cutOff)
  }
}
