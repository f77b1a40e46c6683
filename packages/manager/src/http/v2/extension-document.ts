import { VERSION } from '@osb-backup/node'
import { z } from 'zod'
import {
  backupListSchema,
  backupQuery,
  backupSchema,
  createBody,
  errorSchema,
  operationSchema,
  restoreBody,
  scheduleBody,
  scheduleSchema,
  startedSchema,
} from './extension-schemas.ts'

/** What follows `/extensions/` in paths. */
export const EXTENSION_PATH = 'backup'
/** Identifies the extension, whichever broker has it. */
export const EXTENSION_ID = 'urn:osbext:backup:v1'

interface Described {
  path: string
  method: 'get' | 'post' | 'put' | 'delete'
  operationId: string
  summary: string
  query?: z.ZodObject
  body?: z.ZodType
  /** Undefined: bytes. */
  answer: { status: number; schema: z.ZodType | undefined }
}

const nothing = z.object({})

const operations: readonly Described[] = [
  {
    ...{ path: '/backups', method: 'get', operationId: 'listBackups', summary: 'List backups, newest first' },
    query: backupQuery,
    answer: { status: 200, schema: backupListSchema },
  },
  {
    ...{ path: '/backups', method: 'post', operationId: 'createBackup', summary: 'Start a backup' },
    body: createBody,
    answer: { status: 202, schema: startedSchema },
  },
  {
    ...{ path: '/backups/{backup_id}', method: 'get', operationId: 'getBackup', summary: 'Show a backup' },
    answer: { status: 200, schema: backupSchema },
  },
  {
    ...{ path: '/backups/{backup_id}', method: 'delete', operationId: 'deleteBackup', summary: 'Delete a backup' },
    answer: { status: 200, schema: nothing },
  },
  {
    ...{ path: '/backups/{backup_id}/content', method: 'get', operationId: 'downloadBackup' },
    summary: 'Download a backup as it is stored: compressed and encrypted',
    answer: { status: 200, schema: undefined },
  },
  {
    ...{ path: '/backups/{backup_id}/restores', method: 'post', operationId: 'restoreBackup' },
    summary: 'Start a restore of a backup, into the same or another service instance',
    body: restoreBody,
    answer: { status: 202, schema: startedSchema },
  },
  {
    ...{ path: '/operations/{operation_id}', method: 'get', operationId: 'getOperation' },
    summary: 'Show how far a backup or restore is',
    answer: { status: 200, schema: operationSchema },
  },
  {
    ...{ path: '/schedule', method: 'get', operationId: 'getSchedule', summary: 'Show when backups are taken' },
    answer: { status: 200, schema: scheduleSchema },
  },
  {
    ...{ path: '/schedule', method: 'put', operationId: 'setSchedule' },
    summary: 'Change when backups are taken, within what the plan allows; what is absent stays',
    body: scheduleBody,
    answer: { status: 200, schema: scheduleSchema },
  },
]

const errors = {
  400: 'The request is wrong',
  401: 'No credentials, or invalid ones',
  404: 'There is no such service instance, backup or operation',
  412: 'X-Broker-API-Version is missing or not supported',
  422: 'It is not possible now (ConcurrencyError), or not at all',
} as const

/** Schemas of bodies: what a client may leave out is optional. */
const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io })
  return rest
}

const json = (schema: z.ZodType, io: 'input' | 'output') => ({
  'application/json': { schema: jsonSchema(schema, io) },
})

/** The description of the backup extension, OpenAPI 3.1, that the catalog refers to. */
export function extensionDocument(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    const path = `/v2/service_instances/{instance_id}/extensions/${EXTENSION_PATH}${operation.path}`
    paths[path] = { ...paths[path], [operation.method]: describe(path, operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Backup extension of the Open Service Broker API',
      version: VERSION,
      description:
        'Backups of a service instance. Calls have the headers and the credentials of the Open Service Broker API; a broker may pass them on to the manager unchanged, for an instance that it registered there.',
    },
    paths,
    components: { securitySchemes: { basic: { type: 'http', scheme: 'basic' } } },
    security: [{ basic: [] }],
  }
}

function describe(path: string, { operationId, summary, query, body, answer }: Described): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }))
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'query', required: false, schema: jsonSchema(schema as z.ZodType, 'input') },
  }))
  const version = { name: 'X-Broker-API-Version', in: 'header', required: true, schema: { type: 'string' } }
  const content =
    answer.schema === undefined
      ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
      : json(answer.schema, 'output')
  const refused = Object.entries(errors).map(([status, description]) => [
    status,
    { description, content: json(errorSchema, 'output') },
  ])
  return {
    operationId,
    summary,
    parameters: [...inPath, ...inQuery, version],
    ...(body && { requestBody: { content: json(body, 'input') } }),
    responses: { [answer.status]: { description: summary, content }, ...Object.fromEntries(refused) },
  }
}
