/** The part of JSON Schema that the description of the API uses. */
export interface JsonSchema {
  $ref?: string
  /** Several where it may also be null. */
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  format?: string
  minimum?: number
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  examples?: unknown[]
  /** See `about` in the protocol; not published. */
  'x-example'?: unknown
}

/** The schemas that others refer to by name. */
export type NamedSchemas = Record<string, JsonSchema>

const REFERENCE = '#/components/schemas/'

/** The schema itself, where there is but a reference to it. */
export function resolved(schema: JsonSchema, named: NamedSchemas): JsonSchema {
  return schema.$ref === undefined ? schema : (named[schema.$ref.slice(REFERENCE.length)] ?? {})
}

/** The named schemas that a document refers to, directly or through others. */
export function usedSchemas(document: unknown, named: NamedSchemas): NamedSchemas {
  const used: NamedSchemas = {}
  const visit = (part: unknown) => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      const schema = named[name]
      if (schema === undefined || name in used) continue
      used[name] = schema
      visit(schema)
    }
  }
  visit(document)
  return used
}
