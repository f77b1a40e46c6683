import { type JsonSchema, type NamedSchemas, resolved } from './json-schema.ts'

/** The place of an example that no schema gives; a test finds it. */
const UNKNOWN = '…'
/** The key of the one entry that the example of a record has. */
const RECORD_KEY = 'shop'

/**
 * Puts an example together from those of the properties.
 *
 * @param use - Requests leave out optional properties without an example; answers hold everything.
 */
export function exampleOf(schema: JsonSchema, use: 'request' | 'answer', named: NamedSchemas): unknown {
  const whole = resolved(schema, named)
  const { enum: choices, const: only, anyOf, oneOf } = whole
  const [own] = [...ownExamples(schema), ...ownExamples(whole)]
  if (own !== undefined) return own
  if (only !== undefined) return only
  const [variant] = anyOf ?? oneOf ?? []
  if (variant !== undefined) return exampleOf(variant, use, named)
  if (choices !== undefined) return choices.at(-1)
  switch (Array.isArray(whole.type) ? whole.type[0] : whole.type) {
    case 'object':
      return objectExample(whole, use, named)
    case 'array':
      return isEmpty(whole.items) ? [] : [exampleOf(whole.items ?? {}, use, named)]
    case 'boolean':
      return true
    case 'integer':
    case 'number':
      return Math.max(whole.minimum ?? 0, 0)
    case 'null':
      return null
    default:
      return UNKNOWN
  }
}

const ownExamples = ({ examples = [], 'x-example': example }: JsonSchema) => [...examples, example].filter(isGiven)

/** Null is an example, too. */
const isGiven = (value: unknown) => value !== undefined

function objectExample(schema: JsonSchema, use: 'request' | 'answer', named: NamedSchemas): unknown {
  const { properties, required = [], additionalProperties: inner } = schema
  if (properties === undefined) {
    return typeof inner !== 'object' || isEmpty(inner) ? {} : { [RECORD_KEY]: exampleOf(inner, use, named) }
  }
  const entries = Object.entries(properties).map(([name, property]) => [name, exampleOf(property, use, named)] as const)
  const isShown = ([name, value]: readonly [string, unknown]) =>
    use === 'answer' || required.includes(name) || !JSON.stringify(value).includes(`"${UNKNOWN}"`)
  return Object.fromEntries(entries.filter(isShown))
}

const isEmpty = (schema: JsonSchema | undefined) => schema === undefined || Object.keys(schema).length === 0
