import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * Stands before a real Keystone, and makes some of the tokens that it gives out worthless, as a revocation would. (Swift
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
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
