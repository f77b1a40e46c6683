import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a user may do with a service instance. */
export interface CloudFoundryPermissions {
  read?: boolean
  manage: boolean
}

/**
 * Serves the one call of Cloud Foundry's API that the manager makes, over HTTP.
 *
 * @param permissions - By version and instance. An instance that a version does not know is answered 404, as there.
 */
export async function startCloudFoundryApi(
  permissions: Record<'v2' | 'v3', Record<string, CloudFoundryPermissions | { status: number }>>,
): Promise<AsyncDisposable & { url: string; calls: { path: string; authorization: string | undefined }[] }> {
  const calls: { path: string; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    const { url: path = '', headers } = request
    calls.push({ path, authorization: headers.authorization })
    const [, version, id = ''] = /^\/(v[23])\/service_instances\/([\w-]+)\/permissions$/.exec(path) ?? []
    const answer = version === undefined ? undefined : permissions[version as 'v2' | 'v3'][id]
    const status = answer === undefined ? 404 : 'status' in answer ? answer.status : 200
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? { errors: [] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
