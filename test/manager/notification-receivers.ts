import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

/** What a server got. */
export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** An HTTP server that records what is posted, and answers with a status that the test chooses by path. */
export interface HttpReceiver extends AsyncDisposable {
  url: string
  received: Received[]
  /** 200 for paths that are not among these. */
  statuses: Map<string, number>
}

export async function startHttpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = []
  const statuses = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    received.push({ path, headers: request.headers, body: await text(request) })
    response.writeHead(statuses.get(path) ?? 200, { location: '/redirected' }).end('an answer')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    statuses,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A mail server that requires a login and records each message as it came. */
export interface MailReceiver extends AsyncDisposable {
  port: number
  messages: string[]
}

export async function startMailReceiver(username: string, password: string): Promise<MailReceiver> {
  const messages: string[] = []
  const server = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth(auth, _session, done) {
      const isValid = auth.username === username && auth.password === password
      done(isValid ? null : new Error('invalid credentials'), { user: username })
    },
    onData(stream, _session, done) {
      text(stream).then((message) => {
        messages.push(message)
        done()
      }, done)
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    port: (server.server.address() as AddressInfo).port,
    messages,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
