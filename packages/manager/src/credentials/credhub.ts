import { errorCode } from '@osb-backup/node'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { CredHubSettings } from '../settings/credhub-settings.ts'
import { AnswerTooLarge, requestText, type TextAnswer } from '../shared/request-text.ts'
import { TlsConnections } from '../shared/tls-connections.ts'
import { credentialNameOf, type NamedInstance } from './credential-name.ts'
import { CredHubError } from './credhub-error.ts'

const CALL_TIMEOUT_MS = 10_000
/** A credential has 64 KB at most. */
const MAX_ANSWER_BYTES = 256 * 1024
/** A token is renewed that long before it expires. */
const TOKEN_MARGIN_MS = 30_000

/** What can be a user name or a password in the environment of a script. */
const secretText = z
  .string()
  .min(1)
  .max(1000)
  .refine((value) => !value.includes('\0'))
const userSchema = z.object({ username: secretText.nullish(), password: secretText })
const credentialSchema = z.object({
  data: z.tuple([
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('user'), value: userSchema }),
      z.object({ type: z.literal('json'), value: userSchema }),
      z.object({
        type: z.literal('password'),
        value: secretText.transform((password) => ({ username: null, password })),
      }),
    ]),
  ]),
})
const tokenSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  expires_in: z.number().nonnegative(),
})

type Call = Pick<Parameters<typeof requestText>[1], 'method' | 'headers' | 'body'>

/** Reads credentials of databases from CredHub. Nothing is kept but the token that the manager authenticates with. */
export class CredHub {
  readonly #settings: CredHubSettings
  readonly #connections: TlsConnections
  #token: { value: string; validUntil: number } | undefined

  private constructor(settings: CredHubSettings, connections: TlsConnections) {
    this.#settings = settings
    this.#connections = connections
  }

  /** @throws {SettingsError} If the certificates cannot be used. */
  static async open(settings: CredHubSettings, log: Logger): Promise<CredHub> {
    return new CredHub(settings, await TlsConnections.open(settings.tlsFiles, 'CredHub', log))
  }

  /** Closes the connections, once their calls have ended. */
  close(): Promise<void> {
    return this.#connections.close()
  }

  /**
   * Reads the account of an instance at its database.
   *
   * @returns Without a user name, if the credential is a password only.
   * @throws {CredHubError} If it cannot be read now, or there is none.
   */
  async read(instance: NamedInstance, signal: AbortSignal): Promise<{ username?: string; password: string }> {
    const name = credentialNameOf(this.#settings, instance)
    const quoted = JSON.stringify(name)
    const { status, text } = await this.#get(name, signal)
    if (status === 404) throw this.#rejected(`has no credential ${quoted} that the manager may read`)
    if (status === 401 || status === 403)
      throw this.#rejected(`does not let the manager read ${quoted}: it answered ${status}`)
    if (status !== 200) throw this.#rejected(`answered ${status} to a request for ${quoted}`)
    const read = credentialSchema.safeParse(parseJson(text))
    // Why it is not one may quote it.
    if (!read.success)
      throw this.#rejected(
        `answers no credential of the type user, password or json with a usable password for ${quoted}`,
      )
    const [{ value }] = read.data.data
    return { password: value.password, ...(value.username == null ? {} : { username: value.username }) }
  }

  async #get(name: string, signal: AbortSignal): Promise<TextAnswer> {
    const { url, uaa } = this.#settings
    const target = `${url}/api/v1/data?name=${encodeURIComponent(name)}&current=true`
    const get = async () => {
      const token = uaa === undefined ? undefined : await this.#readToken(uaa, signal)
      const headers = {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      }
      return this.#call(`CredHub at ${url}`, target, { headers }, signal)
    }
    const answer = await get()
    if (answer.status !== 401 || uaa === undefined) return answer
    // The token may have been revoked before it expires.
    this.#token = undefined
    return get()
  }

  async #readToken(
    { url, clientId, clientSecret }: NonNullable<CredHubSettings['uaa']>,
    signal: AbortSignal,
  ): Promise<string> {
    if (this.#token !== undefined && performance.now() < this.#token.validUntil) return this.#token.value
    const basic = [clientId, clientSecret].map(encodeURIComponent).join(':')
    const call = {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        // UAA decodes the two only if it is told to.
        'x-cf-encoded-credentials': 'true',
      },
      body: 'grant_type=client_credentials&response_type=token',
    } as const
    const { status, text } = await this.#call(`The UAA at ${url}`, `${url}/oauth/token`, call, signal)
    if (status !== 200)
      throw rejected(
        `The UAA at ${url}`,
        `does not accept CREDHUB_CLIENT_ID and CREDHUB_CLIENT_SECRET: it answered ${status}`,
      )
    const read = tokenSchema.safeParse(parseJson(text))
    if (!read.success) throw rejected(`The UAA at ${url}`, 'answers without a token')
    const { access_token: value, expires_in: seconds } = read.data
    this.#token = { value, validUntil: performance.now() + seconds * 1000 - TOKEN_MARGIN_MS }
    return value
  }

  /** Sends a request. An answer that says to try again later, and no answer in time, is a failure. */
  async #call(who: string, url: string, call: Call, signal: AbortSignal): Promise<TextAnswer> {
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS)
    const limits = { signal: AbortSignal.any([signal, timeout]), maxAnswerBytes: MAX_ANSWER_BYTES }
    const answer = await requestText(url, { dispatcher: this.#connections.dispatcher, ...call, ...limits }).catch(
      (error: unknown) => {
        signal.throwIfAborted()
        if (error instanceof AnswerTooLarge) throw rejected(who, `is none: ${error.message}`)
        const reason = timeout.aborted
          ? `no answer within ${CALL_TIMEOUT_MS / 1000} seconds`
          : (errorCode(error) ?? 'no answer')
        throw new CredHubError('credhub-unavailable', `${who} cannot be reached (${reason}).`)
      },
    )
    const { status } = answer
    if (status < 500 && status !== 408 && status !== 429) return answer
    throw new CredHubError('credhub-unavailable', `${who} is unavailable: it answered ${status}.`)
  }

  #rejected(problem: string): CredHubError {
    return rejected(`CredHub at ${this.#settings.url}`, problem)
  }
}

const rejected = (who: string, problem: string) => new CredHubError('credhub-rejected', `${who} ${problem}.`)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
