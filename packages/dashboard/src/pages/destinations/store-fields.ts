import {
  type DestinationCreate,
  type Store,
  type StoreKind,
  s3CredentialSources,
  s3Encryptions,
} from '@osb-backup/protocol/v1'
import type * as messages from '../../messages/messages.ts'

/** A setting of a store as a field of the form. */
export interface StoreField {
  name: keyof typeof messages.destinations.fields
  control: 'text' | 'secret' | 'area' | 'flag' | readonly string[]
  isRequired?: boolean
  /** Shown only on demand. */
  isRare?: true
}

const tlsFields = [
  { name: 'caCertificate', control: 'area', isRare: true },
  { name: 'insecureTls', control: 'flag', isRare: true },
] as const satisfies StoreField[]

/** The fields of each kind of store, in the order of the form. A test compares them with the API. */
export const storeFields: Record<StoreKind, readonly StoreField[]> = {
  s3: [
    { name: 'endpoint', control: 'text' },
    { name: 'bucket', control: 'text', isRequired: true },
    { name: 'authKey', control: 'text' },
    { name: 'authSecret', control: 'secret' },
    { name: 'region', control: 'text', isRare: true },
    { name: 'pathStyle', control: 'flag', isRare: true },
    { name: 'sessionToken', control: 'secret', isRare: true },
    { name: 'credentialsFrom', control: s3CredentialSources, isRare: true },
    { name: 'storageClass', control: 'text', isRare: true },
    { name: 'serverSideEncryption', control: s3Encryptions, isRare: true },
    { name: 'kmsKeyId', control: 'text', isRare: true },
    { name: 'deleteVersions', control: 'flag', isRare: true },
    ...tlsFields,
  ],
  swift: [
    { name: 'authUrl', control: 'text', isRequired: true },
    { name: 'container', control: 'text', isRequired: true },
    { name: 'username', control: 'text' },
    { name: 'password', control: 'secret' },
    { name: 'domain', control: 'text' },
    { name: 'projectName', control: 'text' },
    { name: 'authVersion', control: ['1', '3'], isRare: true },
    { name: 'region', control: 'text', isRare: true },
    { name: 'interface', control: ['public', 'internal', 'admin'], isRare: true },
    { name: 'userDomain', control: 'text', isRare: true },
    { name: 'userDomainId', control: 'text', isRare: true },
    { name: 'projectDomain', control: 'text', isRare: true },
    { name: 'projectDomainId', control: 'text', isRare: true },
    { name: 'projectId', control: 'text', isRare: true },
    { name: 'userId', control: 'text', isRare: true },
    { name: 'applicationCredentialId', control: 'text', isRare: true },
    { name: 'applicationCredentialName', control: 'text', isRare: true },
    { name: 'deleteVersions', control: 'flag', isRare: true },
    ...tlsFields,
  ],
  file: [{ name: 'directory', control: 'text', isRequired: true }],
}

/** What the fields of a form hold: text, or for a flag `true`, `false`; empty for what is not set. */
export type FieldValues = Partial<Record<StoreField['name'], string>>

/** What is stored, as the form shows it: without secrets. */
export function valuesOf(store: Store): FieldValues {
  const stored = new Map<string, unknown>(Object.entries(store))
  return Object.fromEntries(
    storeFields[store.kind].flatMap(({ name }) => (stored.has(name) ? [[name, String(stored.get(name))]] : [])),
  )
}

/** Whether a secret is stored: reads of the API say so in a field of their own. */
export const isSecretSet = (store: Store | undefined, name: string): boolean =>
  store !== undefined && new Map<string, unknown>(Object.entries(store)).get(`${name}Set`) === true

/**
 * The settings of a store as a request has them.
 *
 * @param before - The stored ones, of which those that were emptied are removed by `null`; a secret that is empty is kept.
 */
export function storeRequestOf(kind: StoreKind, values: FieldValues, before?: FieldValues): DestinationCreate['store'] {
  const fields = storeFields[kind].flatMap(({ name, control }): [string, unknown][] => {
    const value = values[name]?.trim() ?? ''
    if (value !== '') return [[name, control === 'flag' ? value === 'true' : value]]
    return before?.[name] === undefined || control === 'secret' ? [] : [[name, null]]
  })
  return { kind, ...Object.fromEntries(fields) } as DestinationCreate['store']
}
