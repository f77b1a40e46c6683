import { type JsonSchema, type NamedSchemas, resolved } from './json-schema.ts'

/** Stands where no example is known; a test finds it. */
export const UNKNOWN = '…'

const INSTANT = '2026-03-01T02:00:00.000+00:00'
const ID = '69a3a7c0f1d2b3c4d5e6f708'
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

/** Values by the name of a field, where its schema alone gives none that tells anything. */
const values: Record<string, unknown> = {
  action: 'POST /backup',
  address: '10.0.0.7',
  authKey: 'access-key',
  authSecret: '***',
  authUrl: 'https://keystone.example/v3',
  bucket: 'backups',
  by: 'the token of the night shift',
  bytes_read: 4096,
  bytes_stored: 1024,
  container_name: 'backups',
  content: 'the list',
  database: 'shop_restored',
  detail: 'There is no backup plan "nightly".',
  directory: '/var/backups/shop',
  domain: 'default',
  endpoint: 'https://s3.example',
  error: 's3://backups cannot be reached.',
  error_message: null,
  execution_time_ms: 42_000,
  expiresAt: '2046-03-01T00:00:00Z',
  failed_stage: null,
  field: 'frequency',
  filename: '10.0.0.5_2026_03_01_shop.dump.zst',
  filenamePrefix: `${ID}/`,
  files: { shop: '10.0.0.5_2026_03_01_shop.dump.zst' },
  frequency: '0 0 2 * * *',
  'if-match': '"3"',
  'idempotency-key': 'a7f3',
  instanceId: 'shop-db',
  ip: '10.0.0.5',
  item: 'shop',
  items: 'shop',
  kind: 'token',
  message: 'backup successfully carried out',
  name: 'nightly',
  organization_guid: 'e2a2bc4e-7d5c-4a0e-9d5b-1f6a3a8c2b11',
  originalSizeBytes: 4096,
  page: '0',
  parameters: {},
  password: '***',
  path: '/backup',
  plan: ID,
  plan_id: 'small',
  port: 5432,
  privateKey: 'none',
  project_name: 'backups',
  publicKey: 'none',
  reason: 'No manager was there to start it in time.',
  recipients: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdxdpuxlq8qdk2',
  region: 'eu-central-1',
  numberOfElements: 1,
  pageSize: 50,
  retentionPeriod: 14,
  retentionStyle: 'DAYS',
  serviceInstance: 'shop-db',
  runs: '2026-03-01T02:00:00+01:00',
  runsKept: '2026-03-01T02:00:00+01:00',
  service_id: 'postgresql',
  service_instance_id: 'shop-db',
  sha256: SHA256,
  size: 1024,
  shortestIntervalSeconds: 86_400,
  sizeBytes: 1024,
  sort: 'startDate,desc',
  space_guid: '5b2f2ea4-0c0b-4b53-8a83-1b0a6c3e9d42',
  state: 'finished',
  status: 201,
  timezone: 'Europe/Berlin',
  title: 'Not Found',
  token: 'osbb_mU3bq0cZc7…',
  totalElements: 1,
  totalPages: 1,
  type: 'about:blank',
  url: 'http://10.0.0.5:8000',
  username: 'backup',
}

/** What requests may leave out, and examples do. */
const leftOut = new Set([
  ...['id', 'privateKey', 'publicKey', 'filenamePrefix', 'filename', 'service_instance_id'],
  ...['service_id', 'plan_id', 'organization_guid', 'space_guid'],
])

/** Secrets as a client sends them; answers mask them. */
const sentSecrets: Record<string, string> = { authSecret: 'secret-key', password: 'a password of yours' }

/**
 * Makes an example of what a schema describes.
 *
 * @param name - Of the field, parameter or header that it is the schema of; empty for a whole body.
 * @param use - Requests leave out what callers seldom send; answers hold everything.
 */
export function exampleOf(
  schema: JsonSchema,
  name: string,
  use: 'request' | 'answer',
  namedSchemas: NamedSchemas,
): unknown {
  const { enum: choices, const: only, anyOf, oneOf, examples, ...whole } = resolved(schema, namedSchemas)
  if (examples?.[0] !== undefined) return examples[0]
  if (only !== undefined) return only
  const variants = anyOf ?? oneOf
  if (isNullable(schema) && (values[name] === null || name.endsWith('log'))) return null
  if (variants !== undefined) return exampleOf(variants[0] ?? {}, name, use, namedSchemas)
  if (choices !== undefined) return choices.includes(values[name]) ? values[name] : choices[choices.length - 1]
  switch (Array.isArray(whole.type) ? whole.type[0] : whole.type) {
    case 'object':
      return objectExample(whole, name, use, namedSchemas)
    case 'array':
      return whole.items === undefined || Object.keys(whole.items).length === 0
        ? []
        : [exampleOf(whole.items, name, use, namedSchemas)]
    case 'boolean':
      return !['paused', 'skipSSL', 'held', 'afterFailure', 'unpaged', 'sorted', 'empty'].includes(name)
    case 'integer':
    case 'number':
      return typeof values[name] === 'number' ? values[name] : Math.max(whole.minimum ?? 0, 0)
    case 'string':
      return textExample(whole, name, use)
    case 'null':
      return null
    default:
      return values[name] ?? UNKNOWN
  }
}

function isNullable({ type, anyOf = [] }: JsonSchema): boolean {
  return (Array.isArray(type) && type.includes('null')) || anyOf.some((variant) => variant.type === 'null')
}

function objectExample(
  schema: JsonSchema,
  name: string,
  use: 'request' | 'answer',
  namedSchemas: NamedSchemas,
): unknown {
  if (schema.properties === undefined) {
    const { additionalProperties: inner } = schema
    if (typeof inner !== 'object' || Object.keys(inner).length === 0 || name in values) return values[name] ?? {}
    return { shop: exampleOf(inner, '', use, namedSchemas) }
  }
  const shown = Object.entries(schema.properties).filter(
    ([field]) => use === 'answer' || schema.required?.includes(field) === true || !leftOut.has(field),
  )
  return Object.fromEntries(shown.map(([field, inner]) => [field, exampleOf(inner, field, use, namedSchemas)]))
}

function textExample(schema: JsonSchema, name: string, use: 'request' | 'answer'): string {
  const known = use === 'request' ? (sentSecrets[name] ?? values[name]) : values[name]
  if (known !== undefined && known !== null) return String(known)
  if (schema.format === 'date-time' || /(At|Date|_time|^at|From|Until)$/.test(name)) return INSTANT
  if (/(^id|Id|^idAsString)$/.test(name)) return ID
  return UNKNOWN
}
