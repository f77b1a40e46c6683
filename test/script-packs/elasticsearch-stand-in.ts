import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Index {
  documents: string[]
  aliases: Record<string, object>
  hidden: boolean
  /** The data stream that it is part of. */
  stream?: string
  /** The snapshot that it was restored from. */
  from?: string
}

export interface Snapshot {
  snapshot: string
  uuid: string
  state: string
  indices: string[]
  data_streams: string[]
  start_time_in_millis: number
  metadata: { osb_backup?: { cluster: string; item: string; job: string } } | null
  content: Record<string, Index>
}

interface Fault {
  /** Method and path that it concerns. */
  at: RegExp
  /** `hang` never answers; `cut` answers half of it; a status is answered instead of doing anything. */
  kind: 'hang' | 'cut' | number
  /** How many requests it concerns. */
  times: number
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
type Json = any

/**
 * A stand-in for a cluster of Elasticsearch, which Debian does not have: it answers the paths that the pack uses as the documentation
 * describes them, from indices and snapshots in memory. It proves that the pack uses the API as documented and judges its answers, and
 * nothing about Elasticsearch.
 */
export class ElasticsearchStandIn implements AsyncDisposable {
  readonly login = { username: 'backup', password: `p"a'ss\\ü %: #{x}` }
  indices: Record<string, Index> = {}
  snapshots: Snapshot[] = []
  faults: Fault[] = []
  /** How a new snapshot ends, and the bodies of the requests that created them. */
  endsAs = 'SUCCESS'
  lacksPrivilege = false
  losesDocuments = false
  version: object = { number: '8.11.0' }
  readonly calls: string[] = []
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<ElasticsearchStandIn> {
    const standIn = new ElasticsearchStandIn()
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve))
    return standIn
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const call = `${request.method} ${decodeURIComponent(request.url ?? '')}`
    this.calls.push(text === '' ? call : `${call} ${text}`)
    const send = (status: number, body: Json) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const expected = Buffer.from(`${this.login.username}:${this.login.password}`).toString('base64')
    if (request.headers.authorization !== `Basic ${expected}`) {
      return void send(401, { error: { reason: 'unable to authenticate user' }, status: 401 })
    }
    const fault = this.faults.find(({ at, times }) => times > 0 && at.test(call))
    if (fault !== undefined) {
      fault.times -= 1
      if (fault.kind === 'hang') return
      if (typeof fault.kind === 'number') return void send(fault.kind, { error: { reason: 'a fault of the test' } })
    }
    const path = new URL(request.url ?? '', 'http://host').pathname.slice(1).split('/').map(decodeURIComponent)
    const [status, body] = this.#route(request.method ?? '', path, text === '' ? {} : JSON.parse(text))
    if (fault?.kind === 'cut') response.writeHead(status).end(JSON.stringify(body).slice(0, -4))
    else send(status, body)
  }

  #route(method: string, path: string[], body: Json): [number, Json] {
    const [first = '', second = '', third = '', fourth = ''] = path
    if (first === '') return [200, { cluster_uuid: 'uuid-of-the-cluster', version: this.version }]
    if (first === '_resolve') return this.#resolve(third)
    if (first === '_snapshot') return this.#snapshot(method, { repository: second, name: third, action: fourth, body })
    if (first === '_aliases') return this.#exchange(body.actions)
    if (first === '_security') {
      const cluster = Object.fromEntries(body.cluster.map((name: string) => [name, !this.lacksPrivilege]))
      return [200, { cluster }]
    }
    if (first === '_cluster') {
      const found = this.#select(third).length > 0
      return [found ? 200 : 408, { status: found ? 'yellow' : 'red', initializing_shards: found ? 0 : 1 }]
    }
    if (method === 'DELETE') {
      const names = first === '_data_stream' ? this.#select(second) : this.#select(first)
      for (const [name] of names) delete this.indices[name]
      return names.length === 0 ? missing(first) : [200, { acknowledged: true }]
    }
    return this.#ofIndex(first, second, body)
  }

  #ofIndex(name: string, action: string, body: Json): [number, Json] {
    const found = this.#select(name)
    if (found.length === 0) return missing(name)
    const documents = found.flatMap(([, index]) => index.documents)
    switch (action) {
      case '_refresh':
        return [200, {}]
      case '_count':
        return [200, { count: documents.length, _shards: { total: 1, successful: 1, failed: 0 } }]
      case '_stats': {
        const indexing = { index_total: documents.length, delete_total: 0 }
        return [200, { _all: { primaries: { docs: { count: documents.length }, indexing } } }]
      }
      case '_settings':
        for (const [, index] of found) index.hidden = body.index.hidden
        return [200, { acknowledged: true }]
      case '_alias':
        return [200, Object.fromEntries(found.map(([key, { aliases }]) => [key, { aliases }]))]
      case '_recovery': {
        const shard = ({ from }: Index) => ({
          primary: true,
          type: from === undefined ? 'EMPTY_STORE' : 'SNAPSHOT',
          source: from === undefined ? {} : { snapshot: from },
        })
        return [200, Object.fromEntries(found.map(([key, index]) => [key, { shards: [shard(index)] }]))]
      }
      default:
        return [405, { error: { reason: `the stand-in does not know ${action}` } }]
    }
  }

  /** Indices of a name, an alias or a data stream. */
  #select(name: string): [string, Index][] {
    const isSelected = (key: string, { stream, aliases }: Index) => key === name || stream === name || name in aliases
    return Object.entries(this.indices).filter(([key, index]) => isSelected(key, index))
  }

  #resolve(pattern: string): [number, Json] {
    const all = Object.entries(this.indices)
    const isWanted = (name: string) => pattern === '*' || name === pattern
    const indices = all
      .filter(([name, { hidden }]) => isWanted(name) && (pattern !== '*' || !hidden))
      .map(([name, { aliases }]) => ({ name, aliases: Object.keys(aliases), attributes: ['open'] }))
    const aliases = [...new Set(all.flatMap(([, index]) => Object.keys(index.aliases)))]
      .filter(isWanted)
      .map((name) => ({ name, indices: this.#select(name).map(([key]) => key) }))
    const streams = [...new Set(all.flatMap(([, { stream }]) => stream ?? []))].filter(isWanted)
    const data_streams = streams.map((name) => ({ name, backing_indices: this.#select(name).map(([key]) => key) }))
    if (pattern !== '*' && indices.length + aliases.length + data_streams.length === 0) return missing(pattern)
    return [200, { indices, aliases, data_streams }]
  }

  #exchange(actions: Json[]): [number, Json] {
    for (const { remove_index, add } of actions) {
      if (remove_index !== undefined) delete this.indices[remove_index.index]
      if (add !== undefined) {
        const { index, alias, ...properties } = add
        const found = this.indices[index]
        if (found === undefined) return missing(index)
        found.aliases[alias] = properties
      }
    }
    return [200, { acknowledged: true }]
  }

  #snapshot(
    method: string,
    { repository, name, action, body }: { repository: string; name: string; action: string; body: Json },
  ): [number, Json] {
    if (repository !== 'nightly') return [404, { error: { reason: `[${repository}] missing` } }]
    if (name === '') return [200, { nightly: { type: 'fs', settings: {} } }]
    if (name === '_verify') return [200, { nodes: { one: { name: 'one' } } }]
    const known = this.snapshots.find(({ snapshot }) => snapshot === name)
    if (method === 'PUT') {
      this.snapshots.push(this.#create(name, body))
      return [200, { accepted: true }]
    }
    if (name.endsWith('*')) {
      const some = this.snapshots.filter(({ snapshot }) => snapshot.startsWith(name.slice(0, -1)))
      return [200, { snapshots: some.map(reported) }]
    }
    if (known === undefined) return [404, { error: { reason: `[nightly:${name}] is missing` } }]
    if (method === 'DELETE') {
      this.snapshots = this.snapshots.filter((snapshot) => snapshot !== known)
      return [200, { acknowledged: true }]
    }
    return action === '_restore' ? this.#restore(known, body) : [200, { snapshots: [reported(known)], total: 1 }]
  }

  #create(name: string, body: Json): Snapshot {
    const content = Object.fromEntries(structuredClone(this.#select(body.indices)))
    const streams = Object.values(content).flatMap(({ stream }) => stream ?? [])
    return {
      snapshot: name,
      uuid: randomUUID(),
      state: this.endsAs,
      indices: Object.keys(content).toReversed(),
      data_streams: [...new Set(streams)],
      start_time_in_millis: Date.now(),
      metadata: body.metadata,
      content,
    }
  }

  #restore(snapshot: Snapshot, body: Json): [number, Json] {
    const quoted = body.rename_pattern.replace(/\\Q(.*)\\E/, (_: string, text: string) => RegExp.escape(text))
    const renamed = (name: string) =>
      name.replace(new RegExp(quoted), body.rename_replacement.replaceAll('\\$', '$$$$'))
    for (const [name, { documents, stream }] of Object.entries(snapshot.content)) {
      const target = renamed(name)
      if (target in this.indices) return [500, { error: { reason: `an open index ${target} exists` } }]
      this.indices[target] = {
        documents: this.losesDocuments ? documents.slice(1) : documents,
        aliases: {},
        hidden: body.index_settings?.['index.hidden'] ?? stream !== undefined,
        ...(stream === undefined ? {} : { stream: renamed(stream) }),
        from: snapshot.snapshot,
      }
    }
    return [200, { accepted: true }]
  }
}

const missing = (name: string): [number, Json] => [404, { error: { reason: `no such index [${name}]` }, status: 404 }]

function reported({ content, ...snapshot }: Snapshot): object {
  const isWhole = snapshot.state === 'SUCCESS'
  const digest = createHash('sha256').update(JSON.stringify(content)).digest()
  const shards = { total: 2, failed: isWhole ? 0 : 1, successful: isWhole ? 2 : 1 }
  const failures = isWhole ? [] : [{ index: snapshot.indices[0], reason: 'a shard is missing' }]
  return {
    ...snapshot,
    version_id: 8110099,
    include_global_state: false,
    end_time_in_millis: snapshot.start_time_in_millis + digest.readUInt16LE(),
    failures,
    shards,
  }
}
