import { identityProviderSchema, type SignIn, signInSchema } from '@osb-backup/protocol/v1'
import type { IdentityProvider } from '../../access/oidc/identity-provider.ts'
import type { OidcSettings } from '../../settings/oidc-settings.ts'
import { RequestError } from '../../shared/request-error.ts'
import type { App } from '../typed-app.ts'

const config = { access: 'open' } as const

/** How people sign in to the dashboard: it asks before anybody has. */
export function signInRoutes(
  app: App,
  oidc: Pick<OidcSettings, 'issuer' | 'dashboard'> | undefined,
  provider: Pick<IdentityProvider, 'signInEndpoints'> | undefined,
): void {
  app.get(
    '/v1/sign-in',
    { config, schema: { summary: 'Show how to sign in to the dashboard', response: { 200: signInSchema } } },
    async (): Promise<SignIn> =>
      oidc?.dashboard === undefined ? {} : { identityProvider: { issuer: oidc.issuer, ...oidc.dashboard } },
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
    async () => {
      if (oidc?.dashboard === undefined || provider === undefined) {
        const message = 'Users of the dashboard sign in with tokens: OIDC_DASHBOARD_CLIENT_ID is not set.'
        throw new RequestError('not-found', message)
      }
      return provider.signInEndpoints()
    },
  )
}
