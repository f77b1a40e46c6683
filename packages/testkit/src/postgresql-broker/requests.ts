import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BrokerRequestName } from './faults.ts'
import type { BrokerAnswer } from './service.ts'

/** What a request is about. */
export interface Routed {
  request: BrokerRequestName
  instanceId: string
  bindingId: string
}

const MAX_BODY_BYTES = 1024 * 1024
const routes: readonly { method: string; path: RegExp; request: BrokerRequestName }[] = [
  { method: 'GET', path: /^\/v2\/catalog$/, request: 'catalog' },
  { method: 'PUT', path: /^\/v2\/service_instances\/([^/]+)$/, request: 'provision' },
  { method: 'GET', path: /^\/v2\/service_instances\/([^/]+)$/, request: 'instance' },
  { method: 'DELETE', path: /^\/v2\/service_instances\/([^/]+)$/, request: 'deprovision' },
  { method: 'GET', path: /^\/v2\/service_instances\/([^/]+)\/last_operation$/, request: 'last-operation' },
  { method: 'PUT', path: /^\/v2\/service_instances\/([^/]+)\/service_bindings\/([^/]+)$/, request: 'bind' },
  { method: 'GET', path: /^\/v2\/service_instances\/([^/]+)\/service_bindings\/([^/]+)$/, request: 'binding' },
  { method: 'DELETE', path: /^\/v2\/service_instances\/([^/]+)\/service_bindings\/([^/]+)$/, request: 'unbind' },
  {
    method: 'GET',
    path: /^\/v2\/service_instances\/([^/]+)\/service_bindings\/([^/]+)\/last_operation$/,
    request: 'binding-last-operation',
  },
]

export function routeOf(method: string, path: string): Routed | undefined {
  for (const route of routes) {
    const found = route.method === method ? route.path.exec(path) : null
    if (found === null) continue
    const [, instanceId = '', bindingId = ''] = found
    return {
      request: route.request,
      instanceId: decodeURIComponent(instanceId),
      bindingId: decodeURIComponent(bindingId),
    }
  }
  return undefined
}

export function creationOf(body: Record<string, unknown>) {
  const context = (typeof body.context === 'object' && body.context !== null ? body.context : {}) as Record<
    string,
    unknown
  >
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    serviceId: body.service_id,
    planId: body.plan_id,
    parameters: (typeof body.parameters === 'object' && body.parameters !== null ? body.parameters : {}) as Record<
      string,
      unknown
    >,
    organizationGuid: text(context.organization_guid) ?? text(body.organization_guid),
    spaceGuid: text(context.space_guid) ?? text(body.space_guid),
  }
}

export async function readBody(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk as Buffer)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

export function send(
  response: ServerResponse,
  { status, body, text, headers }: BrokerAnswer & { text?: string; headers?: Record<string, string> },
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(text ?? JSON.stringify(body))
}
