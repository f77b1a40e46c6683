import type { FastifyRequest } from 'fastify'
import { createMayManage } from '../../access/oidc/identity-provider.ts'
import type { Broker } from '../../broker/broker.ts'
import { Catalog, type CatalogAdditions } from '../../broker/catalog.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { brokerBindingRoutes } from './bindings.ts'
import { answerBrokerErrors } from './errors.ts'
import { extensionRoutes } from './extension.ts'
import { EXTENSION_ID, EXTENSION_PATH, extensionDocument } from './extension-document.ts'
import { readBrokerHeaders } from './headers.ts'
import { brokerInstanceRoutes } from './instances.ts'

/** The manager as a service broker: the Open Service Broker API 2.17 at `/v2`. Its description is that specification. */
export function brokerRoutes(app: App, context: Context): void {
  const { settings, log } = context
  const catalog = new Catalog(settings.brokerCatalog, log)
  const mayManage = settings.oidc && createMayManage(settings.oidc, log)
  const broker: Broker = { context, catalog, mayManage }
  app.get(DOCUMENT_PATH, { config: { access: 'open' }, schema: { hide: true } }, async () => extensionDocument())
  void app.register(
    async (v2: App) => {
      v2.addHook('onRoute', (route) => {
        route.config = { access: 'admin', brokers: 'platform', ...route.config }
        route.schema = { ...route.schema, hide: true }
      })
      acceptUntypedBodies(v2)
      answerBrokerErrors(v2)
      readBrokerHeaders(v2, settings.publicUrl)
      catalogRoute(v2, broker)
      brokerInstanceRoutes(v2, broker)
      brokerBindingRoutes(v2, broker)
      extensionRoutes(v2, broker)
    },
    { prefix: '/v2' },
  )
}

/** A body without Content-Type is read as JSON. */
function acceptUntypedBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('*', { parseAs: 'string' }, (request: FastifyRequest, body, done) => {
    if (body.length === 0) return done(null, undefined)
    if (request.headers['content-type'] === undefined) return void parse(request, body.toString(), done)
    done(Object.assign(new Error('The body must be JSON: Content-Type: application/json'), { statusCode: 400 }))
  })
}

function catalogRoute(app: App, { catalog, context }: Broker): void {
  const dashboardClient = dashboardClientOf(context)
  app.get('/catalog', async (request, reply) => {
    const extensions = [extensionAt(request.platform.publicUrl)]
    const { body, etag } = catalog.toWire({ dashboardClient, extensions })
    reply.header('ETag', etag)
    const known = request.headers['if-none-match']
    const isKnown = known?.split(',').some((each) => [etag, `W/${etag}`, '*'].includes(each.trim())) ?? false
    return isKnown ? reply.code(304).send() : body
  })
}

const DOCUMENT_PATH = `/v2/extensions/${EXTENSION_PATH}/openapi.json`

const extensionAt = (publicUrl: string) => ({
  id: EXTENSION_ID,
  path: EXTENSION_PATH,
  description: 'Lists, takes, restores, downloads and deletes backups, and changes when they are taken.',
  openapi_url: publicUrl + DOCUMENT_PATH,
})

/** With it Cloud Foundry registers the client at its UAA, with which people sign in to the dashboard. */
function dashboardClientOf({ settings }: Context): CatalogAdditions['dashboardClient'] {
  const { clientId, clientSecret } = settings.oidc?.dashboard ?? {}
  if (clientId === undefined || clientSecret === undefined || settings.publicUrl === undefined) return undefined
  return { id: clientId, secret: clientSecret, redirect_uri: `${settings.publicUrl}/sign-in` }
}
