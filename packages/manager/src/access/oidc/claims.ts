import type { JWTPayload } from 'jose'
import type { OidcSettings } from '../../settings/oidc-settings.ts'
import { type Permission, type Role, roles } from '../../shared/role.ts'
import type { Grants } from '../caller.ts'

/** Brokers are no users: they have tokens of their own. */
const userRoles = roles.filter((role) => role !== 'broker')

/** The highest role that a token's claim grants; undefined if it grants none. */
export function roleOf(
  claims: JWTPayload,
  { roleClaim, scopes }: Pick<OidcSettings, 'roleClaim' | 'scopes'>,
): Exclude<Role, 'broker'> | undefined {
  const held = wordsIn(claimAt(claims, roleClaim))
  return userRoles.findLast((role) => held.includes(scopes[role]))
}

/** What the same claim allows besides the role. */
export function permissionsOf(
  claims: JWTPayload,
  { roleClaim, deleteScope }: Pick<OidcSettings, 'roleClaim' | 'deleteScope'>,
): Permission[] {
  return wordsIn(claimAt(claims, roleClaim)).includes(deleteScope) ? ['delete-backups'] : []
}

/** Which service instances a token's claim grants: a list of ids, or `*`, alone or in a list, for all. */
export function instancesOf(claims: JWTPayload, { instancesClaim }: Pick<OidcSettings, 'instancesClaim'>): Grants {
  const value = instancesClaim === undefined ? undefined : claimAt(claims, instancesClaim)
  if (value === '*') return 'all'
  const ids = stringsIn(value).filter((id) => id !== '')
  return ids.includes('*') ? 'all' : ids
}

/** The name of the user. UAA sends `user_name`, OpenID `preferred_username`; a client has neither. */
export function nameOf(claims: JWTPayload & { sub: string }): string {
  const names = [claims.user_name, claims.preferred_username, claims.email]
  return (names.find((name) => typeof name === 'string' && name !== '') as string | undefined) ?? claims.sub
}

/**
 * The claim of that name; if there is none, dots lead into nested claims, as in Keycloak's `realm_access.roles`. The whole
 * name comes first, since other providers name claims by URLs.
 */
function claimAt(claims: object, name: string): unknown {
  if (Object.hasOwn(claims, name)) return Reflect.get(claims, name)
  const dot = name.indexOf('.')
  if (dot < 0) return undefined
  const inner = claimAt(claims, name.slice(0, dot))
  return typeof inner === 'object' && inner !== null ? claimAt(inner, name.slice(dot + 1)) : undefined
}

/** Scopes are one string with spaces (RFC 8693), or a list of strings (UAA). */
function wordsIn(value: unknown): string[] {
  return typeof value === 'string' ? value.split(' ') : stringsIn(value)
}

function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}
