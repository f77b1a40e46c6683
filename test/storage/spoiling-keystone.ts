import { once } from 'node:events'
import { createServer, type Server, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * A proxy of a real Keystone that invalidates some of the tokens it issues, as a revocation would. (Swift
 * remembers good tokens for minutes, so a token that was really revoked would go on working.)
 *
 * @param isSpoilt - Asked for each login with its number, from 1.
 * @param lifeMs - How long tokens are said to live; absent: what Keystone says.
 */
export async function keystoneThatSpoilsTokens(authUrl: string, isSpoilt: (login: number) => boolean, lifeMs?: number) {
  let logins = 0
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${authUrl}${request.url?.replace(/^\/v3/, '')}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array(await buffer(request)),
    })
    logins++
    const token = answer.headers.get('x-subject-token') ?? ''
    response.setHeader('x-subject-token', isSpoilt(logins) ? `spoilt${token}` : token)
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    const said = (await answer.json()) as { token: { issued_at: string; expires_at: string } }
    if (lifeMs !== undefined) {
      said.token.expires_at = new Date(Date.parse(said.token.issued_at) + lifeMs).toISOString()
    }
    response.end(JSON.stringify(said))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`,
    logins: () => logins,
    [Symbol.asyncDispose]: () => close(server),
  }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

/**
 * Passes everything on to a real Swift, except for the first removal of a large object, which it answers as Swift does when the
 * token expires while segments are removed.
 */
export async function swiftThatRefusesFirstRemoval(storageUrl: string) {
  let hasRefused = false
  const { origin, pathname } = new URL(storageUrl)
  const server = createServer((request, response) => {
    if (!hasRefused && request.method === 'DELETE' && request.url?.includes('multipart-manifest=delete')) {
      hasRefused = true
      const status = '401 Unauthorized'
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ 'Response Status': status, Errors: [['segment', status]] }))
      return
    }
    const { method = 'GET', headers } = request
    const forwarded = sendRequest(new URL(request.url ?? '', origin), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.on('error', () => response.destroy())
    request.pipe(forwarded)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    [Symbol.asyncDispose]: () => close(server),
  }
}
