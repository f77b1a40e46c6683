import type { CephEnv, LabEnv } from '../../lab/index.ts'

/** A project's account in Swift, as a test inspects it: with plain requests and none of the code that is tested. */
export class SwiftAccount {
  readonly #lab: LabEnv['swift'] | CephEnv['swift']
  #login: Promise<{ token: string; url: string }> | undefined

  constructor(lab: LabEnv['swift'] | CephEnv['swift']) {
    this.#lab = lab
  }

  /** @param options.headers - Of the container, such as where it keeps versions. */
  async makeContainer(
    container: string,
    { quotaBytes, headers }: { quotaBytes?: number; headers?: Record<string, string> } = {},
  ): Promise<void> {
    const quota = quotaBytes === undefined ? undefined : { 'x-container-meta-quota-bytes': String(quotaBytes) }
    await this.#request('PUT', container, undefined, { ...quota, ...headers })
  }

  async removeContainer(container: string): Promise<void> {
    await this.#request('DELETE', container)
  }

  /** What is in a container; nothing if there is none. */
  async list(container: string): Promise<{ name: string; bytes: number }[]> {
    const answer = await this.#request('GET', `${container}?format=json`)
    return answer.status === 200 ? ((await answer.json()) as { name: string; bytes: number }[]) : []
  }

  /** Makes an object of others, as any client may. */
  async putManifest(container: string, name: string, paths: readonly string[]): Promise<void> {
    const manifest = JSON.stringify(paths.map((path) => ({ path })))
    await this.#request('PUT', `${container}/${name}?multipart-manifest=put`, manifest)
  }

  /** The largest object that needs no segments. */
  async maximumSizeBytes(): Promise<number> {
    const { url } = await this.#loggedIn()
    const answer = await fetch(new URL('/info', url))
    return ((await answer.json()) as { swift: { max_file_size: number } }).swift.max_file_size
  }

  async #request(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Response> {
    const { token, url } = await this.#loggedIn()
    const answer = await fetch(`${url}/${path}`, {
      method,
      ...(body !== undefined && { body }),
      headers: { 'x-auth-token': token, ...headers },
    })
    if (answer.ok || answer.status === 404) return answer
    throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  }

  #loggedIn(): Promise<{ token: string; url: string }> {
    this.#login ??= this.#logIn()
    return this.#login
  }

  async #logIn(): Promise<{ token: string; url: string }> {
    if (!('domain' in this.#lab)) return this.#logInAtCeph(this.#lab)
    const { authUrl, domain, projectName, username, password } = this.#lab
    const user = { name: username, password, domain: { name: domain } }
    const answer = await fetch(`${authUrl}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: { methods: ['password'], password: { user } },
          scope: { project: { name: projectName, domain: { name: domain } } },
        },
      }),
    })
    const { token } = (await answer.json()) as {
      token: { catalog: { type: string; endpoints: { interface: string; url: string }[] }[] }
    }
    const endpoints = token.catalog.find((service) => service.type === 'object-store')?.endpoints ?? []
    const url = endpoints.find((endpoint) => endpoint.interface === 'public')?.url ?? ''
    return { token: answer.headers.get('x-subject-token') ?? '', url }
  }

  async #logInAtCeph({ authUrl, username, password }: CephEnv['swift']): Promise<{ token: string; url: string }> {
    const { headers } = await fetch(authUrl, { headers: { 'x-auth-user': username, 'x-auth-key': password } })
    return { token: headers.get('x-auth-token') ?? '', url: headers.get('x-storage-url') ?? '' }
  }
}
