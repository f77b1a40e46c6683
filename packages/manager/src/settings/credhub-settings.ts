import { absolutePath, type Environment, parseSettings, SettingsError, type TlsFilePaths, text } from '@osb-backup/node'
import { z } from 'zod'
import { httpAddress, isSafeAddress } from './safe-address.ts'

/** How credentials of databases are read from CredHub. */
export interface CredHubSettings {
  /** Without a slash at the end. */
  url: string
  /** Name of the credential of an instance, with placeholders such as `{instanceId}`. */
  nameTemplate: string
  tlsFiles: TlsFilePaths
  /** Where and as whom tokens are obtained; undefined: the certificate authenticates. */
  uaa: { url: string; clientId: string; clientSecret: string } | undefined
}

/** What the name of a credential may contain of an instance. */
export const credentialPlaceholders = ['instanceId', 'serviceId', 'planId', 'organizationGuid', 'spaceGuid'] as const

const placeholders = new RegExp(`\\{(?:${credentialPlaceholders.join('|')})\\}`, 'g')

const nameTemplate = z
  .string()
  .refine(
    (value) => /^\/[\w./:()[\]-]*$/.test(value.replaceAll(placeholders, 'x')),
    `must be a name like /bosh/sb-{instanceId}/backup_credentials, with ${credentialPlaceholders.map((each) => `{${each}}`).join(', ')} in it`,
  )
  .refine((value) => value.includes('{instanceId}'), 'must contain {instanceId}')

/** The settings of CredHub. */
export const credHubTable = {
  CREDHUB_URL: {
    schema: httpAddress,
    description:
      'URL of a CredHub with the credentials of databases whose service instances are stored without a password',
  },
  CREDHUB_NAME: {
    schema: nameTemplate,
    description:
      'name of the credential of a service instance, such as /bosh-1/sb-{instanceId}/backup_credentials; {serviceId}, {planId}, ' +
      '{organizationGuid} and {spaceGuid} are replaced too; required with CREDHUB_URL',
  },
  CREDHUB_CA_FILE: {
    schema: absolutePath,
    description:
      'PEM file of CAs that certificates of CredHub and UAA may be signed by, in addition to those of the system',
  },
  CREDHUB_CERTIFICATE_FILE: {
    schema: absolutePath,
    description: 'PEM file of the certificate that the manager presents to CredHub',
  },
  CREDHUB_KEY_FILE: { schema: absolutePath, description: 'PEM file of the private key of that certificate' },
  CREDHUB_UAA_URL: { schema: httpAddress, description: 'URL of the UAA that issues tokens for CredHub' },
  CREDHUB_CLIENT_ID: { schema: text, description: 'client id at that UAA' },
  CREDHUB_CLIENT_SECRET: { schema: text, description: 'client secret at that UAA' },
} as const

/**
 * Reads the settings of CredHub.
 *
 * @returns Undefined if there is none.
 * @throws {SettingsError} Naming the first variable that is wrong or missing.
 */
export function readCredHubSettings(environment: Environment): CredHubSettings | undefined {
  const parsed = parseSettings(credHubTable, environment)
  const { CREDHUB_URL: url, CREDHUB_NAME: name } = parsed
  if (url === undefined) {
    const useless = Object.keys(credHubTable).find((each) => environment[each])
    if (useless === undefined) return undefined
    throw new SettingsError(`${useless} has no effect without CREDHUB_URL.`)
  }
  if (name === undefined) throw new SettingsError('CREDHUB_NAME must be set with CREDHUB_URL.')
  const { CREDHUB_UAA_URL, CREDHUB_CLIENT_ID, CREDHUB_CLIENT_SECRET } = parsed
  const { CREDHUB_CERTIFICATE_FILE, CREDHUB_KEY_FILE } = parsed
  const uaa = allOrNone({ CREDHUB_UAA_URL, CREDHUB_CLIENT_ID, CREDHUB_CLIENT_SECRET })
  const certificate = allOrNone({ CREDHUB_CERTIFICATE_FILE, CREDHUB_KEY_FILE })
  if (uaa === undefined && certificate === undefined) {
    throw new SettingsError(
      'CREDHUB_URL needs CREDHUB_CERTIFICATE_FILE and CREDHUB_KEY_FILE, or CREDHUB_UAA_URL, CREDHUB_CLIENT_ID and CREDHUB_CLIENT_SECRET.',
    )
  }
  for (const [setting, address] of Object.entries({ CREDHUB_URL: url, CREDHUB_UAA_URL })) {
    if (address === undefined || isSafeAddress(address, false)) continue
    throw new SettingsError(`${setting} must be https, since http is allowed on loopback only.`)
  }
  const file = (setting: keyof typeof parsed) => {
    const path = parsed[setting]
    return path === undefined ? undefined : { setting, path }
  }
  return {
    url,
    nameTemplate: name,
    tlsFiles: { ca: file('CREDHUB_CA_FILE'), cert: file('CREDHUB_CERTIFICATE_FILE'), key: file('CREDHUB_KEY_FILE') },
    uaa: uaa && {
      url: uaa.CREDHUB_UAA_URL,
      clientId: uaa.CREDHUB_CLIENT_ID,
      clientSecret: uaa.CREDHUB_CLIENT_SECRET,
    },
  }
}

function allOrNone<T extends Record<string, string | undefined>>(values: T): { [N in keyof T]: string } | undefined {
  const missing = Object.keys(values).filter((name) => values[name] === undefined)
  const [first] = missing
  if (first === undefined) return values as { [N in keyof T]: string }
  const present = Object.keys(values).find((name) => values[name] !== undefined)
  if (present === undefined) return undefined
  throw new SettingsError(`${first} must be set with ${present}.`)
}
