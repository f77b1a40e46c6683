import { EXAMPLE_ID, EXAMPLE_INSTANT, exampleValues } from './example-values.ts'
import { type JsonSchema, type NamedSchemas, resolved } from './json-schema.ts'

/** Stands where no example is known; a test finds it. */
const UNKNOWN = '…'

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
  if (isNullable(schema) && (exampleValues[name] === null || name.endsWith('log'))) return null
  if (variants !== undefined) return exampleOf(variants[0] ?? {}, name, use, namedSchemas)
  if (choices !== undefined)
    return choices.includes(exampleValues[name]) ? exampleValues[name] : choices[choices.length - 1]
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
      return typeof exampleValues[name] === 'number' ? exampleValues[name] : Math.max(whole.minimum ?? 0, 0)
    case 'string':
      return textExample(whole, name, use)
    case 'null':
      return null
    default:
      return exampleValues[name] ?? UNKNOWN
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
    if (typeof inner !== 'object' || Object.keys(inner).length === 0 || name in exampleValues)
      return exampleValues[name] ?? {}
    return { shop: exampleOf(inner, '', use, namedSchemas) }
  }
  const shown = Object.entries(schema.properties).filter(
    ([field]) => use === 'answer' || schema.required?.includes(field) === true || !leftOut.has(field),
  )
  return Object.fromEntries(shown.map(([field, inner]) => [field, exampleOf(inner, field, use, namedSchemas)]))
}

function textExample(schema: JsonSchema, name: string, use: 'request' | 'answer'): string {
  const known = use === 'request' ? (sentSecrets[name] ?? exampleValues[name]) : exampleValues[name]
  if (known !== undefined && known !== null) return String(known)
  if (schema.format === 'date-time' || /(At|Date|_time|^at|From|Until)$/.test(name)) return EXAMPLE_INSTANT
  if (/(^id|Id|^idAsString)$/.test(name)) return EXAMPLE_ID
  return UNKNOWN
}
