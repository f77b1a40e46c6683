import { randomUUID } from 'node:crypto'
import type { LabEnv } from '../../lab/index.ts'

/** What Keystone answers to a login. */
export interface Token {
  user: { id: string; domain: { id: string } }
  project: { id: string; domain: { id: string } }
  catalog: { type: string; endpoints: { interface: string; url: string; region: string }[] }[]
}

/** A credential of a user for one project, with its secret. */
export interface ApplicationCredential extends AsyncDisposable {
  id: string
  name: string
  secret: string
}

/** The user of the lab's Keystone, as a test acts for it: with plain requests and none of the code that is tested. */
export class KeystoneUser {
  readonly #authUrl: string
  /** What Keystone answered. */
  readonly token: Token
  /** The token itself. */
  readonly subject: string

  private constructor(authUrl: string, token: Token, subject: string) {
    this.#authUrl = authUrl
    this.token = token
    this.subject = subject
  }

  static async logIn({ authUrl, domain, projectName, username, password }: LabEnv['swift']): Promise<KeystoneUser> {
    const user = { name: username, domain: { name: domain }, password }
    const scope = { project: { name: projectName, domain: { name: domain } } }
    const auth = { identity: { methods: ['password'], password: { user } }, scope }
    const answer = await send(`${authUrl}/auth/tokens`, 'POST', { auth })
    const { token } = (await answer.json()) as { token: Token }
    return new KeystoneUser(authUrl, token, answer.headers.get('x-subject-token') ?? '')
  }

  /** @param expiresAt - In whole seconds; undefined: never. */
  async createApplicationCredential(expiresAt?: Date): Promise<ApplicationCredential> {
    const url = `${this.#authUrl}/users/${this.token.user.id}/application_credentials`
    const wanted = { name: `test-${randomUUID()}`, ...(expiresAt && { expires_at: expiresAt.toISOString() }) }
    const answer = await send(url, 'POST', { application_credential: wanted }, this.subject)
    const { application_credential: created } = (await answer.json()) as {
      application_credential: ApplicationCredential
    }
    const { id, name, secret } = created
    const remove = async () => {
      await send(`${url}/${id}`, 'DELETE', undefined, this.subject)
    }
    return { id, name, secret, [Symbol.asyncDispose]: remove }
  }
}

async function send(url: string, method: string, body?: object, token?: string): Promise<Response> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { 'x-auth-token': token }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (answer.ok) return answer
  throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
}
