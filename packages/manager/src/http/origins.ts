import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

const PREFLIGHT_AGE_SECONDS = 600

/**
 * Lets web pages of these origins call the API, preflight included. To be called before `authenticate`: a preflight carries
 * no token. Tokens are sent in a header that the page sets itself, so no page obtains one by being allowed here.
 */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Accept',
      'If-Match',
      'Idempotency-Key',
      'Last-Event-ID',
      'X-Request-Id',
    ],
    exposedHeaders: ['ETag', 'Location', 'Retry-After', 'X-Request-Id'],
    maxAge: PREFLIGHT_AGE_SECONDS,
  })
}
