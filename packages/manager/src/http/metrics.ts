import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Registry } from 'prom-client'
import { z } from 'zod'
import type { Context } from '../context/context.ts'
import { expositionOf } from '../metrics/exposition.ts'
import { gatherMetrics } from '../metrics/service.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import { networkMatcher } from '../shared/networks.ts'
import { RequestError } from '../shared/request-error.ts'
import { shareCalls } from '../shared/share-calls.ts'
import type { App } from './typed-app.ts'

const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** `GET /metrics`, for Prometheus: what the database says, and what this manager measured of itself. */
export function metricsRoutes(app: App, context: Context): void {
  app.addHook('onResponse', async (request, reply) => {
    if (
      reply.getHeader('content-type') === 'text/event-stream' ||
      reply.raw.getHeader('content-type') === 'text/event-stream'
    )
      return
    // The pattern of the route, so that ids make no series.
    const route = request.routeOptions.url === undefined ? 'none' : `${request.method} ${request.routeOptions.url}`
    context.processMetrics.requestEnded(route, reply.statusCode, reply.elapsedTime / 1000)
  })

  const isAllowed = readRule(context.settings)
  const share = shareCalls<string>()
  app.get(
    '/metrics',
    {
      // Neither tokens of the API nor anything else opens it: the rule below does.
      config: { access: 'open' },
      schema: { hide: true, summary: 'Metrics for Prometheus', response: { 200: z.string() } },
    },
    async (request, reply) => {
      if (!isAllowed(request)) {
        const message = 'Metrics need the token METRICS_TOKEN, or an address of METRICS_ALLOWED_ADDRESSES.'
        throw new RequestError('unauthorised', message)
      }
      const stored = await share('metrics', async () =>
        expositionOf(await gatherMetrics(context), context.settings.metricsMaxObjects),
      )
      reply.type(CONTENT_TYPE)
      return `${stored}\n${await context.processMetrics.text()}`
    },
  )
}

/** Who may read metrics: anyone who knows the token, and certain addresses. */
function readRule({ metricsToken, metricsAllowedAddresses }: ManagerSettings): (request: FastifyRequest) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = metricsToken === undefined ? undefined : digest(`Bearer ${metricsToken}`)
  const isAllowed = networkMatcher(metricsAllowedAddresses)
  return ({ headers: { authorization }, ip }) =>
    (expected !== undefined && authorization !== undefined && timingSafeEqual(digest(authorization), expected)) ||
    isAllowed(ip)
}
