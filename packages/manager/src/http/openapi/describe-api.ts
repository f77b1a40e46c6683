import swagger from '@fastify/swagger'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { createJsonSchemaTransformObject, jsonSchemaTransform } from 'fastify-type-provider-zod'
import { invariant } from '../../shared/invariant.ts'
import { type NamedSchemas, usedSchemas } from './json-schema.ts'
import { nameSchemas } from './name-schemas.ts'
import { completeOperation, type Operation } from './operation.ts'

const withNamedSchemas = createJsonSchemaTransformObject({})

/**
 * Serves the description of the API, OpenAPI 3.1, generated from the schemas that validate it and the access rules
 * of the routes. To be called before the routes are added.
 */
export async function describeApi(app: FastifyInstance): Promise<void> {
  nameSchemas()
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
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of the manager, or of the identity provider',
          },
          basic: {
            type: 'http',
            scheme: 'basic',
            description: 'The account of a broker, for deprovisioning and the service broker at `/v2`',
          },
        },
      },
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document)
      const { access = 'admin', brokers }: FastifyContextConfig = document.route.config ?? {}
      const isMergePatch = document.route.method === 'PATCH' && url.startsWith('/v1/')
      const consumes = isMergePatch ? { consumes: ['application/json', 'application/merge-patch+json'] } : {}
      return { url, schema: { ...schema, ...consumes, ...{ 'x-access': access, 'x-brokers': brokers } } }
    },
    transformObject: (routes) => {
      const described = withNamedSchemas(routes)
      invariant('openapi' in described && described.paths, 'an OpenAPI document was asked for')
      const named = described.components?.schemas as NamedSchemas
      for (const [path, operations] of Object.entries(described.paths)) {
        for (const [method, operation] of Object.entries(operations ?? {})) {
          completeOperation(method, path, operation as Operation, named)
        }
      }
      const schemas = usedSchemas(described.paths, named)
      const document = { ...described, components: { ...described.components, schemas } }
      return JSON.parse(JSON.stringify(document, (name, value) => (name === 'x-example' ? undefined : value)))
    },
  })
  app.get('/openapi.json', { config: { access: 'open' }, schema: { hide: true } }, async () => app.swagger())
}
