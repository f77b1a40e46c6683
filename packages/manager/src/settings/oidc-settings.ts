import { z } from 'zod'
import type { Role } from '../shared/role.ts'
import { givenVariables, readVariables } from './read-variables.ts'
import { isSafeAddress } from './safe-address.ts'
import { SettingError } from './setting-error.ts'

/** How tokens of an identity provider are checked, and what they grant. */
export interface OidcSettings {
  /** Without a slash at the end; `/.well-known/openid-configuration` is found below it. */
  issuer: string
  /** What a token's `aud` must hold. */
  audience: string
  clockToleranceSeconds: number
  /** The claim that holds scopes, groups or roles; dots lead into it where no claim has the whole name. */
  roleClaim: string
  /** Which value of that claim gives which role. */
  scopes: Record<Role, string>
  /** The claim that holds ids of service instances, or `*`; undefined: tokens grant none. */
  instancesClaim: string | undefined
  /** Without a slash at the end; undefined: Cloud Foundry is not asked. */
  cloudFoundryUrl: string | undefined
  /** Whether http is spoken to other machines too. */
  allowsHttp: boolean
  /** PEM file of authorities to trust besides the system's. */
  caFile: string | undefined
}

/** Every variable with its default and meaning, for `--help`. */
export const oidcSettingDocs = [
  {
    name: 'OIDC_ISSUER',
    default: '(none)',
    means: 'URL of an identity provider (UAA, Keycloak, …) whose tokens are taken too',
  },
  { name: 'OIDC_AUDIENCE', default: '(needed)', means: 'audience that its tokens must be for; with UAA a client id' },
  { name: 'OIDC_CLOCK_TOLERANCE_SECONDS', default: '30', means: 'how far its clock may be off' },
  {
    name: 'OIDC_ROLE_CLAIM',
    default: 'scope',
    means: 'claim that gives the role; dots lead into it, as in realm_access.roles',
  },
  { name: 'OIDC_VIEWER_SCOPE', default: 'osb-backup.viewer', means: 'value of that claim that makes a viewer' },
  { name: 'OIDC_OPERATOR_SCOPE', default: 'osb-backup.operator', means: 'value that makes an operator' },
  {
    name: 'OIDC_ADMIN_SCOPE',
    default: 'osb-backup.admin',
    means: 'value that makes an admin, of every service instance',
  },
  {
    name: 'OIDC_INSTANCES_CLAIM',
    default: '(none)',
    means: 'claim with the ids of the service instances that are granted, or "*"',
  },
  {
    name: 'CF_API_URL',
    default: '(none)',
    means: 'Cloud Foundry API that is asked which service instances a user may read or manage',
  },
  { name: 'OIDC_CA_FILE', default: '(none)', means: 'PEM file of authorities to trust besides the system’s' },
  { name: 'OIDC_ALLOW_HTTP', default: 'false', means: 'true: http to other machines too; anyone between can get in' },
] as const

const claimName = z.string().max(200, 'must be 200 characters or less')
const scope = z.string().regex(/^[^\s]{1,200}$/, 'must be 1 to 200 characters without spaces')

const address = z
  .url({ protocol: /^https?$/, abort: true, error: 'must be an http(s) URL' })
  .refine((value) => {
    const { username, password, search, hash } = new URL(value)
    return [username, password, search, hash].every((part) => part === '')
  }, 'must be a URL without credentials, "?" and "#"')
  .transform((value) => value.replace(/\/+$/, ''))

const environmentSchema = z
  .object({
    OIDC_ISSUER: address,
    OIDC_AUDIENCE: z.string({ error: 'must be set with OIDC_ISSUER' }),
    OIDC_CLOCK_TOLERANCE_SECONDS: z
      .string()
      .regex(/^\d{1,3}$/, 'must be a whole number up to 300')
      .transform(Number)
      .refine((value) => value <= 300, 'must be a whole number up to 300')
      .default(30),
    OIDC_ROLE_CLAIM: claimName.default('scope'),
    OIDC_VIEWER_SCOPE: scope.default('osb-backup.viewer'),
    OIDC_OPERATOR_SCOPE: scope.default('osb-backup.operator'),
    OIDC_ADMIN_SCOPE: scope.default('osb-backup.admin'),
    OIDC_INSTANCES_CLAIM: claimName.optional(),
    CF_API_URL: address.optional(),
    OIDC_CA_FILE: z.string().optional(),
    OIDC_ALLOW_HTTP: z
      .enum(['true', 'false'], 'must be true or false')
      .transform((value) => value === 'true')
      .default(false),
  })
  .superRefine((read, context) => {
    for (const name of ['OIDC_ISSUER', 'CF_API_URL'] as const) {
      const url = read[name]
      if (url === undefined || isSafeAddress(url, read.OIDC_ALLOW_HTTP)) continue
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'must be https, since http is spoken on loopback only unless OIDC_ALLOW_HTTP is true',
      })
    }
  })

/**
 * Reads the settings. An empty variable counts as absent.
 *
 * @returns Undefined if there is no identity provider.
 * @throws {SettingError} Naming the first variable that cannot be used.
 */
export function readOidcSettings(environment: NodeJS.ProcessEnv): OidcSettings | undefined {
  const given = givenVariables(oidcSettingDocs, environment)
  if (given.OIDC_ISSUER === undefined) {
    const [useless] = Object.keys(given)
    if (useless === undefined) return undefined
    throw new SettingError(`${useless} is of no use without OIDC_ISSUER.`)
  }
  const data = readVariables(environmentSchema, given)
  return {
    issuer: data.OIDC_ISSUER,
    audience: data.OIDC_AUDIENCE,
    clockToleranceSeconds: data.OIDC_CLOCK_TOLERANCE_SECONDS,
    roleClaim: data.OIDC_ROLE_CLAIM,
    scopes: { viewer: data.OIDC_VIEWER_SCOPE, operator: data.OIDC_OPERATOR_SCOPE, admin: data.OIDC_ADMIN_SCOPE },
    instancesClaim: data.OIDC_INSTANCES_CLAIM,
    cloudFoundryUrl: data.CF_API_URL,
    allowsHttp: data.OIDC_ALLOW_HTTP,
    caFile: data.OIDC_CA_FILE,
  }
}
