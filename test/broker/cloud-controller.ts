import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A stand-in for Cloud Foundry's Cloud Controller: the two calls of its API v3 that the service broker makes. */
export interface CloudController extends AsyncDisposable {
  url: string
  /** The space of each service instance. */
  spaces: Map<string, string>
  /** Users with the role in a space: `user space`. */
  developers: Set<string>
  /** Answered to everything, unless it is 200. */
  status: number
}

/** Starts one that requires a bearer token. */
export async function startCloudController(): Promise<CloudController> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const isIdentified = /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/.test(request.headers.authorization ?? '')
    const { status, body } = isIdentified ? answerTo(pathname, searchParams) : { status: 401, body: {} }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const answerTo = (path: string, query: URLSearchParams): { status: number; body: object } => {
    if (controller.status !== 200) return { status: controller.status, body: {} }
    if (path === '/v3/roles') {
      const isDeveloper =
        query.get('types') === 'space_developer' &&
        controller.developers.has(`${query.get('user_guids')} ${query.get('space_guids')}`)
      return { status: 200, body: { pagination: { total_results: isDeveloper ? 1 : 0 }, resources: [] } }
    }
    const space = controller.spaces.get(/^\/v3\/service_instances\/([\w-]+)$/.exec(path)?.[1] ?? '')
    if (space === undefined) return { status: 404, body: { errors: [] } }
    return { status: 200, body: { relationships: { space: { data: { guid: space } } } } }
  }
  const controller: CloudController = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spaces: new Map(),
    developers: new Set(),
    status: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return controller
}
