/** Kinds of notification channels whose URL lets anybody post, and is therefore a secret. */
const kindsWithSecretUrl = new Set(['slack', 'mattermost', 'teams', 'healthchecks'])

/**
 * Whether a field of the API is write-only.
 *
 * @param owner - The value that has the field: its kind decides whether a URL is a secret.
 */
export function isSecretField(name: string, owner: unknown = undefined): boolean {
  if (name === 'url') return kindsWithSecretUrl.has(kindOf(owner))
  return /^(password|privilegedPassword|authSecret|privateKey|sessionToken|secret|.+Secret|.+Password)$/.test(name)
}

function kindOf(owner: unknown): string {
  const hasKind = typeof owner === 'object' && owner !== null && 'kind' in owner
  return hasKind ? String(owner.kind) : ''
}
