import { type Environment, flag, parseSettings, SettingsError, text, wholeNumber } from '@osb-backup/node'
import { z } from 'zod'
import type { Role } from '../shared/role.ts'
import { httpAddress, isSafeAddress } from './safe-address.ts'

/** How tokens of an identity provider are checked, and what they grant. */
export interface OidcSettings {
  /** Without a slash at the end; `/.well-known/openid-configuration` is found below it. */
  issuer: string
  /** What a token's `aud` must contain. */
  audience: string
  clockToleranceSeconds: number
  /** The claim that holds scopes, groups or roles; dots lead into it where no claim has the whole name. */
  roleClaim: string
  /** Which value of that claim gives which role. */
  scopes: Record<Exclude<Role, 'broker'>, string>
  /** Which value of that claim allows to delete backups. */
  deleteScope: string
  /** The claim that holds ids of service instances, or `*`; undefined: tokens grant none. */
  instancesClaim: string | undefined
  /** Without a slash at the end; undefined: Cloud Foundry is not asked. */
  cloudFoundryUrl: string | undefined
  /** Whether http is allowed to other machines too. */
  allowsHttp: boolean
  /** PEM file of authorities to trust in addition to the system's. */
  caFile: string | undefined
  /** A client of the manager that may read the roles of Cloud Foundry's users; undefined: there is none. */
  cloudFoundryClient: { id: string; secret: string } | undefined
  /** How users sign in to the dashboard; undefined: with tokens of the manager alone. */
  dashboard: { clientId: string; clientSecret: string | undefined; scope: string } | undefined
}

const claimName = z.string().max(200, 'must be 200 characters or less')
const clientId = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters without spaces')
const scopes = z
  .string()
  .regex(/^openid( [\x21-\x7e]+)*$/, 'must be openid, and further scopes with spaces between them')
const scope = z.string().regex(/^[^\s]{1,200}$/, 'must be 1 to 200 characters without spaces')

/** The settings of an identity provider. */
export const oidcTable = {
  OIDC_ISSUER: {
    schema: httpAddress,
    description: 'URL of an identity provider (UAA, Keycloak, …) whose tokens are accepted too',
  },
  OIDC_AUDIENCE: {
    schema: text,
    description: 'audience that its tokens must be for; with UAA a client id; required with OIDC_ISSUER',
  },
  OIDC_CLOCK_TOLERANCE_SECONDS: {
    schema: wholeNumber(0, 300),
    default: '30',
    description: 'clock difference in seconds that is tolerated',
  },
  OIDC_ROLE_CLAIM: {
    schema: claimName,
    default: 'scope',
    description: 'claim that gives the role; dots lead into it, as in realm_access.roles',
  },
  OIDC_VIEWER_SCOPE: {
    schema: scope,
    default: 'osb-backup.viewer',
    description: 'value of that claim that makes a viewer',
  },
  OIDC_OPERATOR_SCOPE: {
    schema: scope,
    default: 'osb-backup.operator',
    description: 'value of that claim that makes an operator',
  },
  OIDC_ADMIN_SCOPE: {
    schema: scope,
    default: 'osb-backup.admin',
    description: 'value of that claim that makes an admin, of every service instance',
  },
  OIDC_DELETE_SCOPE: {
    schema: scope,
    default: 'osb-backup.delete',
    description: 'value of that claim that allows an operator to delete backups, release them and shorten retentions',
  },
  OIDC_INSTANCES_CLAIM: {
    schema: claimName,
    description: 'claim with the ids of the service instances that are granted, or "*"',
  },
  OIDC_DASHBOARD_CLIENT_ID: {
    schema: clientId,
    description:
      'client id with which users sign in to the dashboard: a public client, with the redirect URI `/sign-in` of the dashboard; while it is not set the dashboard asks for a token',
  },
  OIDC_DASHBOARD_CLIENT_SECRET: {
    schema: text,
    description:
      'secret of that client, if it is a confidential one: the manager adds it when the dashboard asks for tokens, and the catalog of the service broker has the client as dashboard_client',
  },
  OIDC_DASHBOARD_SCOPE: {
    schema: scopes,
    default: 'openid offline_access',
    description: 'scopes that the dashboard asks for, separated by spaces',
  },
  CF_API_URL: {
    schema: httpAddress,
    description: 'Cloud Foundry API that is asked which service instances a user may read or manage',
  },
  CF_CLIENT_ID: {
    schema: clientId,
    description:
      'client id, of the identity provider, with which Cloud Foundry is asked what the users of the service broker may do; it needs the authority cloud_controller.global_auditor',
  },
  CF_CLIENT_SECRET: { schema: text, description: 'secret of that client' },
  OIDC_CA_FILE: { schema: text, description: 'PEM file of authorities to trust in addition to the system’s' },
  OIDC_ALLOW_HTTP: {
    schema: flag,
    default: 'false',
    description:
      'whether http is allowed to other machines too; then anyone in the network path can impersonate the provider',
  },
} as const

/**
 * Reads the settings of an identity provider.
 *
 * @returns Undefined if there is none.
 * @throws {SettingsError} Naming the first variable that is wrong or missing.
 */
export function readOidcSettings(environment: Environment): OidcSettings | undefined {
  const parsed = parseSettings(oidcTable, environment)
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, CF_API_URL: cloudFoundryUrl } = parsed
  if (issuer === undefined) {
    const useless = Object.keys(oidcTable).find((name) => environment[name])
    if (useless === undefined) return undefined
    throw new SettingsError(`${useless} has no effect without OIDC_ISSUER.`)
  }
  if (audience === undefined) throw new SettingsError('OIDC_AUDIENCE must be set with OIDC_ISSUER.')
  const { CF_CLIENT_ID: cfClientId, CF_CLIENT_SECRET: cfClientSecret } = parsed
  requireTogether(parsed, ['CF_CLIENT_ID', 'CF_CLIENT_SECRET'])
  if (cfClientId !== undefined && cloudFoundryUrl === undefined) {
    throw new SettingsError('CF_CLIENT_ID has no effect without CF_API_URL.')
  }
  if (parsed.OIDC_DASHBOARD_CLIENT_SECRET !== undefined && parsed.OIDC_DASHBOARD_CLIENT_ID === undefined) {
    throw new SettingsError('OIDC_DASHBOARD_CLIENT_SECRET has no effect without OIDC_DASHBOARD_CLIENT_ID.')
  }
  const allowsHttp = parsed.OIDC_ALLOW_HTTP
  for (const [name, url] of Object.entries({ OIDC_ISSUER: issuer, CF_API_URL: cloudFoundryUrl })) {
    if (url === undefined || isSafeAddress(url, allowsHttp)) continue
    const reason = 'must be https, since http is allowed on loopback only unless OIDC_ALLOW_HTTP is true'
    throw new SettingsError(`${name} ${reason}.`)
  }
  return {
    issuer,
    audience,
    clockToleranceSeconds: parsed.OIDC_CLOCK_TOLERANCE_SECONDS,
    roleClaim: parsed.OIDC_ROLE_CLAIM,
    scopes: {
      viewer: parsed.OIDC_VIEWER_SCOPE,
      operator: parsed.OIDC_OPERATOR_SCOPE,
      admin: parsed.OIDC_ADMIN_SCOPE,
    },
    deleteScope: parsed.OIDC_DELETE_SCOPE,
    instancesClaim: parsed.OIDC_INSTANCES_CLAIM,
    cloudFoundryUrl,
    allowsHttp,
    caFile: parsed.OIDC_CA_FILE,
    cloudFoundryClient:
      cfClientId === undefined || cfClientSecret === undefined ? undefined : { id: cfClientId, secret: cfClientSecret },
    dashboard:
      parsed.OIDC_DASHBOARD_CLIENT_ID === undefined
        ? undefined
        : {
            clientId: parsed.OIDC_DASHBOARD_CLIENT_ID,
            clientSecret: parsed.OIDC_DASHBOARD_CLIENT_SECRET,
            scope: parsed.OIDC_DASHBOARD_SCOPE,
          },
  }
}

function requireTogether(parsed: Record<string, unknown>, [one, other]: readonly [string, string]): void {
  const [missing, present] = parsed[one] === undefined ? [one, other] : [other, one]
  if (parsed[missing] !== undefined || parsed[present] === undefined) return
  throw new SettingsError(`${missing} must be set with ${present}.`)
}
