import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

type Json = ReturnType<JSON['parse']>

/** What another version does to JSON bodies. */
export interface Rewriting {
  request?(body: Json): Json
  answer?(body: Json): Json
}

/** A proxy before an agent that rewrites requests and answers, as if one end were of another version. */
export async function startJsonProxy(
  agentUrl: string,
  { request = (body) => body, answer = (body) => body }: Rewriting,
): Promise<{ url: string; close(): void }> {
  const rewritten = (body: string, rewrite: (body: Json) => Json) =>
    body === '' ? undefined : JSON.stringify(rewrite(JSON.parse(body)))
  const server = createServer(async (incoming, response) => {
    const { method = 'GET', url = '/', headers } = incoming
    const { authorization = '', 'content-type': type = 'application/json' } = headers
    const received = await fetch(agentUrl + url, {
      method,
      headers: { authorization, 'content-type': type },
      body: rewritten(await text(incoming), request) ?? null,
    })
    const body = rewritten(await received.text(), answer)
    response.writeHead(received.status, { 'content-type': 'application/json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Adds fields that nobody knows to a body, at every level. */
export function withUnknownFields(value: Json): Json {
  if (Array.isArray(value)) return value.map(withUnknownFields)
  if (value === null || typeof value !== 'object') return value
  const known = Object.entries(value).map(([name, each]) => [name, withUnknownFields(each)])
  return { ...Object.fromEntries(known), from_the_future: { level: 9, names: ['a', 'b'] } }
}

/** Removes fields from a body, at every level. */
export function withoutFields(value: Json, names: readonly string[]): Json {
  if (Array.isArray(value)) return value.map((each) => withoutFields(each, names))
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([name]) => !names.includes(name))
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutFields(each, names)]))
}
