import { type CredHubSettings, credentialPlaceholders } from '../settings/credhub-settings.ts'
import { CredHubError } from './credhub-error.ts'

/** What an instance is known by. */
export interface NamedInstance {
  id: string
  serviceId: string | undefined
  planId: string | undefined
  organizationGuid: string | undefined
  spaceGuid: string | undefined
}

/**
 * The name of the credential of an instance. A value with a slash could name the credential of another instance, so there is none.
 *
 * @throws {CredHubError} If the instance does not have what the name needs.
 */
export function credentialNameOf(
  { nameTemplate }: Pick<CredHubSettings, 'nameTemplate'>,
  { id: instanceId, ...instance }: NamedInstance,
): string {
  const values = { instanceId, ...instance }
  const pattern = new RegExp(`\\{(${credentialPlaceholders.join('|')})\\}`, 'g')
  return nameTemplate.replaceAll(pattern, (_, name: (typeof credentialPlaceholders)[number]) => {
    const value = values[name]
    if (value !== undefined && /^[\w.:-]+$/.test(value) && !/^\.+$/.test(value)) return value
    const problem = value === undefined ? 'has none' : `has ${JSON.stringify(value)}, which a name cannot contain`
    const message = `CREDHUB_NAME contains {${name}}, but the service instance ${JSON.stringify(instanceId)} ${problem}.`
    throw new CredHubError('credhub-rejected', message)
  })
}
