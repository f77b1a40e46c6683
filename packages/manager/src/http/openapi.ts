import swagger from '@fastify/swagger'
import { problemSchema } from '@osb-backup/protocol'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from './typed-app.ts'

const problem = z.toJSONSchema(problemSchema, { target: 'openapi-3.0' })

/** What every operation may answer besides its own: errors as RFC 9457 problems, or as text for clients that read it. */
const errorAnswers = {
  '4XX': {
    description: 'Refused; `detail` is a sentence for people, `field` names what is wrong in the request',
    content: { 'application/problem+json': { schema: problem }, 'text/plain': { schema: { type: 'string' } } },
  },
}

/**
 * Serves the description of the API, OpenAPI 3.1, made from the schemas that validate it. To be called before the routes
 * are added.
 */
export async function describeApi(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'OSB Backup Manager',
        version: '1',
        description: 'Backups of the databases that service brokers provision.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A token of the manager' },
          basic: { type: 'http', scheme: 'basic', description: 'The account of a broker, for deprovisioning only' },
        },
      },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('an OpenAPI document was asked for')
      for (const operations of Object.values(document.openapiObject.paths ?? {})) {
        for (const operation of Object.values(operations ?? {})) {
          if (typeof operation === 'object' && 'responses' in operation)
            Object.assign(operation.responses, errorAnswers)
        }
      }
      return document.openapiObject
    },
  })
  app.get('/openapi.json', { config: { access: 'open' }, schema: { hide: true } }, async () => app.swagger())
}
