import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Connection {
  socket: Socket
  address: string
  /** Requests that have no answer yet. */
  requests: number
  hasAuthenticated: boolean
}

/**
 * Keeps connections that do nothing from shutting out callers. At the limit a new connection takes the place of an idle one, of the
 * address that has most: first of one that has not authenticated, oldest first.
 */
export class CallerConnections {
  readonly #maximum: number
  /** By the caller's address and port, oldest first. */
  readonly #connections = new Map<string, Connection>()

  /** @param maximum - The most connections at the same time. */
  constructor(server: HttpServer, maximum: number) {
    this.#maximum = maximum
    server.on('connection', (socket: Socket) => this.#add(socket))
    server.on('request', (request, response) => this.#begin(request, response))
  }

  /** Marks the connection of a request as one of a caller with the right credentials. */
  noteAuthenticated({ socket }: IncomingMessage): void {
    const connection = this.#connections.get(keyOf(socket))
    if (connection !== undefined) connection.hasAuthenticated = true
  }

  #add(socket: Socket): void {
    const key = keyOf(socket)
    if (this.#connections.size >= this.#maximum && !this.#evict()) {
      socket.destroy()
      return
    }
    const address = socket.remoteAddress ?? ''
    this.#connections.set(key, { socket, address, requests: 0, hasAuthenticated: false })
    socket.once('close', () => this.#connections.delete(key))
  }

  #begin({ socket }: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(keyOf(socket))
    if (connection === undefined) return
    connection.requests += 1
    response.once('close', () => {
      connection.requests -= 1
    })
  }

  /** Closes an idle connection. Whether there was one. */
  #evict(): boolean {
    const idle = [...this.#connections].filter(([, { requests }]) => requests === 0)
    const unknown = idle.filter(([, { hasAuthenticated }]) => !hasAuthenticated)
    const candidates = unknown.length > 0 ? unknown : idle
    const counts = Map.groupBy(candidates, ([, { address }]) => address)
    const [crowd] = [...counts.values()].toSorted((left, right) => right.length - left.length)
    const [evicted] = crowd ?? []
    if (evicted === undefined) return false
    const [key, { socket }] = evicted
    // Its place is free at once; 'close' comes later.
    this.#connections.delete(key)
    socket.destroy()
    return true
  }
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
