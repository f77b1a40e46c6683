import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

const PREFLIGHT_AGE_SECONDS = 600

/**
 * Lets web pages of these origins call the API, preflight included. To be called before the guard: a preflight carries no
 * token. Tokens travel in a header of the page's own making, so no page gets at one by being allowed here.
 */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Accept', 'If-Match', 'Idempotency-Key', 'Last-Event-ID'],
    exposedHeaders: ['ETag', 'Location', 'Retry-After'],
    maxAge: PREFLIGHT_AGE_SECONDS,
  })
}
