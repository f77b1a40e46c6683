import type { FastifyBaseLogger } from 'fastify'
import Fastify from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { createUserIdentification } from '../access/oidc/user-identification.ts'
import { auditCalls } from '../audit/repository.ts'
import type { Context } from '../context/context.ts'
import type { JobChanges } from '../database/notifications.ts'
import { guard } from './authentication.ts'
import { accessRoutes } from './legacy/access.ts'
import { auditRoutes } from './legacy/audit.ts'
import { destinationRoutes } from './legacy/destinations.ts'
import { eventRoutes } from './legacy/events.ts'
import { instanceRoutes } from './legacy/instances.ts'
import { jobRoutes } from './legacy/jobs.ts'
import { planKeyRoutes } from './legacy/plan-keys.ts'
import { planPreviewRoutes } from './legacy/plan-preview.ts'
import { planRoutes } from './legacy/plans.ts'
import { reconcileRoutes } from './legacy/reconcile.ts'
import { restorePointRoutes } from './legacy/restore-points.ts'
import { browseApi } from './openapi/browse-api.ts'
import { describeApi } from './openapi/describe-api.ts'
import { allowOrigins } from './origins.ts'
import { answerErrors, answerUnreadablePath } from './problems.ts'
import { refuseUnstorableText } from './storable-text.ts'
import type { App } from './typed-app.ts'

/** Largest request body: a job with its logs comes back whole on a restore. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024

/** Clients send `Content-Type: application/json` with a DELETE that has no body; an empty one counts as none. */
function acceptEmptyBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined)
    else parse(request, body.toString(), done)
  })
}

/** Builds the API. It does not listen yet. */
export async function buildApp(context: Context, changes: JobChanges): Promise<App> {
  const app: App = Fastify({
    loggerInstance: context.log as FastifyBaseLogger,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 300 },
    forceCloseConnections: 'idle',
    frameworkErrors: answerUnreadablePath,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  acceptEmptyBodies(app)
  answerErrors(app)
  await allowOrigins(app, context.settings.allowedOrigins)
  await describeApi(app)
  const { oidc } = context.settings
  guard(app, context, oidc && createUserIdentification(oidc, context.log))
  auditCalls(app, context)
  refuseUnstorableText(app)
  app.get(
    '/health',
    {
      config: { access: 'open' },
      schema: { summary: 'Whether the manager answers', response: { 200: z.object({ status: z.literal('UP') }) } },
    },
    async () => ({ status: 'UP' as const }),
  )
  for (const routes of [
    instanceRoutes,
    destinationRoutes,
    planRoutes,
    planKeyRoutes,
    planPreviewRoutes,
    jobRoutes,
    restorePointRoutes,
    reconcileRoutes,
    accessRoutes,
    auditRoutes,
  ])
    routes(app, context)
  eventRoutes(app, context, changes)
  await browseApi(app)
  return app
}
