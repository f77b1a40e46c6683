import type { Role } from '../../shared/role.ts'
import { exampleOf } from './examples.ts'
import type { JsonSchema, NamedSchemas } from './json-schema.ts'
import { refusalAnswers } from './refusals.ts'

type Brokers = 'registering' | 'deprovisioning' | undefined

interface Content {
  schema?: JsonSchema
  example?: unknown
}

/** An operation of the OpenAPI document, while it is completed. */
export interface Operation {
  'x-access'?: Role | 'open'
  'x-brokers'?: Brokers
  operationId?: string
  tags?: string[]
  description?: string
  security?: Record<string, string[]>[]
  parameters?: { name: string; in: string; schema?: JsonSchema; example?: unknown }[]
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, { description: string; content?: Record<string, Content> }>
}

const meanings: Record<string, string> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No content' }

/** Adds what follows from the rest: a name, who may call, examples, and how it may be refused. */
export function completeOperation(method: string, path: string, operation: Operation, named: NamedSchemas): void {
  const access = operation['x-access'] ?? 'admin'
  const { 'x-brokers': brokers, parameters = [], requestBody, responses } = operation
  delete operation['x-brokers']
  operation.operationId = nameOf(method, path)
  operation.tags = [tagOf(path)]
  operation.description = accessSentence(access, brokers)
  operation.security =
    access === 'open' ? [] : [{ bearer: [] }, ...(brokers === 'deprovisioning' ? [{ basic: [] }] : [])]
  for (const parameter of parameters) {
    parameter.example ??= exampleOf(parameter.schema ?? {}, 'request', named)
  }
  for (const [status, response] of Object.entries(responses)) {
    response.description = meanings[status] ?? response.description
    if (status === '204') delete response.content
    addExamples(response.content, 'answer', named)
  }
  addExamples(requestBody?.content, 'request', named)
  const facts = {
    method,
    path,
    isOpen: access === 'open',
    hasBody: requestBody !== undefined,
    hasParameters: parameters.length > 0,
    isVersioned: parameters.some(({ name }) => name === 'if-match'),
  }
  Object.assign(responses, refusalAnswers(facts))
}

function addExamples(
  content: Record<string, Content> | undefined,
  use: 'request' | 'answer',
  named: NamedSchemas,
): void {
  for (const body of Object.values(content ?? {})) {
    body.example ??= exampleOf(body.schema ?? {}, use, named)
  }
}

/** What operations are grouped by: the resource, or the legacy path. */
function tagOf(path: string): string {
  const [, first = '', second = ''] = path.split('/')
  return first === 'v1' ? second : first === 'health' ? first : `legacy: ${first}`
}

/** `getBackupPlansById`, for clients that are generated from the document. */
function nameOf(method: string, path: string): string {
  const words = path.split('/').flatMap((segment) => {
    const parameter = /^\{(.*)\}$/.exec(segment)?.[1]
    return parameter === undefined ? [segment] : ['by', parameter]
  })
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).replace(/\W/g, '')).join('')
}

const brokerClauses = { registering: ', or broker', deprovisioning: ' or broker, or the account of a broker' } as const

function accessSentence(access: Role | 'open', brokers: Brokers): string {
  if (access === 'open') return 'Open to every caller.'
  return `Needs the role ${access}${brokers === undefined ? '' : brokerClauses[brokers]}.`
}
