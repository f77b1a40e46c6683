import { z } from 'zod'
import { about } from './schema.ts'

/** `GET /v1/sign-in`. */
export const signInSchema = z.object({
  identityProvider: z
    .object({
      issuer: z.string().meta(about('URL of the identity provider', 'https://uaa.example')),
      clientId: z.string().meta(about('The client that users of the dashboard sign in with', 'osb-backup-dashboard')),
      scope: z.string().meta(about('The scopes to ask for', 'openid offline_access')),
    })
    .optional()
    .meta({ description: 'Where users sign in; absent if they need a token of the manager' }),
})
export type SignIn = z.infer<typeof signInSchema>

/** `GET /v1/sign-in/identity-provider`. */
export const identityProviderSchema = z.object({
  issuer: z.string().meta(about('What the provider calls itself in tokens', 'https://uaa.example/oauth/token')),
  authorizationEndpoint: z
    .string()
    .meta(about('Where users are sent to sign in', 'https://uaa.example/oauth/authorize')),
  tokenEndpoint: z.string().meta(about('Where a code is exchanged for tokens', 'https://uaa.example/oauth/token')),
  endSessionEndpoint: z
    .string()
    .optional()
    .meta(
      about('Where users are sent to sign out; absent if the provider has no such page', 'https://uaa.example/logout'),
    ),
  revocationEndpoint: z
    .string()
    .optional()
    .meta(about('Where tokens are revoked; absent if the provider revokes none', 'https://uaa.example/oauth/revoke')),
})
export type IdentityProvider = z.infer<typeof identityProviderSchema>
