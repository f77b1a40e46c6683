import { identityProviderSchema, type SignIn, signInSchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { IdentityProvider } from '../../access/oidc/identity-provider.ts'
import type { ManagerSettings } from '../../settings/settings.ts'
import { RequestError } from '../../shared/request-error.ts'
import type { App } from '../typed-app.ts'

const config = { access: 'open' } as const
const TOKEN_PATH = '/v1/sign-in/token'
const TOKEN_BODY_BYTES = 32 * 1024

const text = z.string().min(1).max(10_000)
const tokenFormSchema = z.discriminatedUnion('grant_type', [
  z.object({
    grant_type: z.literal('authorization_code'),
    code: text,
    redirect_uri: text,
    code_verifier: text,
    client_id: text,
  }),
  z.object({ grant_type: z.literal('refresh_token'), refresh_token: text, client_id: text }),
])

/** How people sign in to the dashboard: it asks before anybody has. */
export function signInRoutes(
  app: App,
  { oidc, publicUrl }: Pick<ManagerSettings, 'oidc' | 'publicUrl'>,
  provider: Pick<IdentityProvider, 'signInEndpoints' | 'exchangeTokens'> | undefined,
): void {
  app.get(
    '/v1/sign-in',
    { config, schema: { summary: 'Show how to sign in to the dashboard', response: { 200: signInSchema } } },
    async (): Promise<SignIn> => {
      if (oidc?.dashboard === undefined) return {}
      const { clientId, scope } = oidc.dashboard
      return { identityProvider: { issuer: oidc.issuer, clientId, scope } }
    },
  )

  app.get(
    '/v1/sign-in/identity-provider',
    {
      config,
      schema: {
        summary: 'Show where users of the identity provider sign in',
        response: { 200: identityProviderSchema },
      },
    },
    async (request) => {
      if (oidc?.dashboard === undefined || provider === undefined) {
        const message = 'Users of the dashboard sign in with tokens: OIDC_DASHBOARD_CLIENT_ID is not set.'
        throw new RequestError('not-found', message)
      }
      const endpoints = await provider.signInEndpoints()
      if (oidc.dashboard.clientSecret === undefined) return endpoints
      const own = publicUrl ?? `${request.protocol}://${request.host}`
      return { ...endpoints, tokenEndpoint: own + TOKEN_PATH }
    },
  )

  if (oidc?.dashboard?.clientSecret !== undefined && provider !== undefined) tokenRoute(app, provider)
}

/**
 * The token endpoint of a dashboard with a confidential client: the provider's, with the secret that a page cannot keep. It serves what a
 * user signed in for, and nothing that the secret alone would allow.
 */
function tokenRoute(app: App, provider: Pick<IdentityProvider, 'exchangeTokens'>): void {
  void app.register(async (scope: App) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body.toString()))),
    )
    scope.post(
      TOKEN_PATH,
      { config, bodyLimit: TOKEN_BODY_BYTES, schema: { hide: true, body: tokenFormSchema } },
      async (request, reply) => {
        const { status, text } = await provider.exchangeTokens(request.body)
        reply.code(status).type('application/json').header('Cache-Control', 'no-store')
        return reply.serializer(String).send(text)
      },
    )
  })
}
