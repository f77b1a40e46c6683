import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import Provider, { errors } from 'oidc-provider'

/** The audience that its tokens are for. */
export const AUDIENCE = 'osb-backup'
const RESOURCE = 'https://backup.example'
/** The secret of every confidential client. */
export const SECRET = 'secret-of-every-client-of-the-test-issuer'

/** A client of the issuer: what its tokens carry. */
export interface IssuerClient {
  id: string
  scope: string
  claims?: Record<string, unknown>
  audience?: string
  /** A public client, whose users sign in with a code that is valid for this long, in seconds. */
  deviceCodeSeconds?: number
  /** A public client in a browser: the path that users are sent back to, on whichever port of this machine. */
  redirectPath?: string
  /** Not a public one: its codes are exchanged with its secret. */
  isConfidential?: boolean
  /** How long its tokens are valid. */
  tokenSeconds?: number
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

interface SigningKey {
  kid: string
  privateKey: CryptoKey
  jwk: JWK
}

/** An identity provider that runs: npm's `oidc-provider`, on a port of its own. */
export class Issuer implements AsyncDisposable {
  readonly url: string
  /** How often its keys were fetched. */
  keyFetches = 0
  readonly #server: Server
  readonly #clients: readonly IssuerClient[]
  #listener: RequestListener
  #key: SigningKey

  private constructor(server: Server, clients: readonly IssuerClient[], key: SigningKey) {
    this.#server = server
    this.#clients = clients
    this.#key = key
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#listener = this.#provide()
    server.on('request', (request, response) => {
      if (request.url === '/jwks') this.keyFetches += 1
      this.#listener(request, response)
    })
  }

  static async start(clients: readonly IssuerClient[]): Promise<Issuer> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Issuer(server, clients, await makeKey('first'))
  }

  #provide(): RequestListener {
    const hasDevices = this.#clients.some(({ deviceCodeSeconds }) => deviceCodeSeconds !== undefined)
    const hasBrowsers = this.#clients.some(({ redirectPath }) => redirectPath !== undefined)
    const clientOf = (id: string | undefined) => this.#clients.find((client) => client.id === id)
    const provider = new Provider(this.url, {
      jwks: { keys: [this.#key.jwk] },
      clients: this.#clients.map((client) => ({ client_id: client.id, scope: client.scope, ...grantsOf(client) })),
      clientBasedCORS: (_context, origin) => new URL(origin).hostname === '127.0.0.1',
      issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
      ttl: { DeviceCode: (_context, _code, { clientId }) => clientOf(clientId)?.deviceCodeSeconds ?? 600 },
      scopes: [...new Set(this.#clients.flatMap(({ scope }) => scope.split(' ')))],
      extraTokenClaims: (_context, token) =>
        clientOf('clientId' in token ? token.clientId : undefined)?.claims as Record<string, never> | undefined,
      features: {
        clientCredentials: { enabled: true },
        // Its own pages, where any name and any password sign in.
        devInteractions: { enabled: hasDevices || hasBrowsers },
        deviceFlow: { enabled: hasDevices },
        revocation: { enabled: hasBrowsers },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => RESOURCE,
          useGrantedResource: () => true,
          getResourceServerInfo: (_context, _resource, { clientId }) => {
            const client = clientOf(clientId)
            if (client === undefined) throw new errors.InvalidTarget()
            return {
              scope: client.scope,
              audience: client.audience ?? AUDIENCE,
              accessTokenFormat: 'jwt',
              ...(client.tokenSeconds === undefined ? {} : { accessTokenTTL: client.tokenSeconds }),
            }
          },
        },
      },
    })
    // The default of five seconds between two polls would be most of a test.
    provider.use(async (context, next) => {
      await next()
      if (context.path === '/device/auth' && context.status === 200)
        Object.assign(context.body as object, { interval: 1 })
    })
    return provider.callback()
  }

  /** An access token as a client gets it. */
  async token(clientId: string): Promise<string> {
    const scope = this.#clients.find((client) => client.id === clientId)?.scope ?? ''
    const response = await fetch(`${this.url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${clientId}:${SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    })
    const { access_token: token } = (await response.json()) as { access_token?: string }
    if (token === undefined) throw new Error(`the issuer answered ${response.status} to ${clientId}`)
    return token
  }

  /**
   * Signs a token with the issuer's own key and any claims and header: one that the issuer itself would not issue. A
   * claim of undefined is left out.
   */
  async sign(claims: Record<string, unknown>, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: this.url, aud: AUDIENCE, sub: 'made', iat: now, exp: now + 60 }
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: this.#key.kid, ...header })
      .sign(this.#key.privateKey)
  }

  /** The public half of its key, as any client can fetch it. */
  publicKey(): JWK {
    const { kty, n, e } = this.#key.jwk
    return { kty, n, e } as JWK
  }

  /** From now on it signs with another key, and the one before is no longer among its keys. */
  async rotateKey(): Promise<void> {
    this.#key = await makeKey('second')
    this.#listener = this.#provide()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function grantsOf({ deviceCodeSeconds, redirectPath, isConfidential = false }: IssuerClient) {
  if (redirectPath !== undefined) {
    return {
      application_type: 'native' as const,
      ...(isConfidential ? { client_secret: SECRET } : { token_endpoint_auth_method: 'none' as const }),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code' as const],
      redirect_uris: [`http://127.0.0.1${redirectPath}`],
      post_logout_redirect_uris: [`http://127.0.0.1${redirectPath}`],
    }
  }
  return {
    ...(deviceCodeSeconds === undefined
      ? { client_secret: SECRET, grant_types: ['client_credentials'] }
      : { token_endpoint_auth_method: 'none' as const, grant_types: [DEVICE_GRANT, 'refresh_token'] }),
    redirect_uris: [],
    response_types: [],
  }
}

async function makeKey(kid: string): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } }
}
