import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * Stands before a real Keystone, and makes the first tokens that it gives out worthless, as a revocation would. (Swift
 * remembers good tokens for minutes, so a token that was really revoked would go on working.)
 */
export async function keystoneThatSpoilsTokens(authUrl: string, count: number) {
  let logins = 0
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${authUrl}${request.url?.replace(/^\/v3/, '')}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array(await buffer(request)),
    })
    logins++
    const token = answer.headers.get('x-subject-token') ?? ''
    response.setHeader('x-subject-token', logins <= count ? `spoilt${token}` : token)
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(await answer.text())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`,
    logins: () => logins,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
