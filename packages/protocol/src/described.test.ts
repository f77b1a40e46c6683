import { expect, test } from 'vitest'
import { z } from 'zod'
import * as legacy from './legacy/index.ts'
import * as v1 from './v1/index.ts'

interface JsonSchema {
  description?: string
  examples?: unknown[]
  properties?: Record<string, JsonSchema>
  items?: JsonSchema
  additionalProperties?: JsonSchema | boolean
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
}

/** The properties below a schema that have no description, or are values without an example. */
function undescribed(schema: JsonSchema, path: string): { path: string; isValue: boolean }[] {
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  const inner = [...variants, ...(schema.items ? [schema.items] : [])]
  const below = inner.flatMap((each) => undescribed(each, path))
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const wrong = property.description === undefined || (!isComposite(property) && property.examples === undefined)
    const found = { path: `${path}.${name}`, isValue: !isComposite(property) }
    return [...(wrong ? [found] : []), ...undescribed(property, found.path)]
  })
  return [...below, ...properties]
}

/** Whether an example follows from the properties inside. */
function isComposite({ properties, items, additionalProperties, anyOf = [], oneOf = [] }: JsonSchema): boolean {
  const inner = [items, additionalProperties, ...anyOf, ...oneOf].filter((each) => typeof each === 'object')
  return properties !== undefined || inner.some(isComposite)
}

const schemasOf = (module: Record<string, unknown>) =>
  Object.entries(module).filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType)
const schemas = schemasOf(v1)
/** Requests of old clients may leave most fields out, and their examples do. */
const legacyAnswers = schemasOf(legacy).filter(([name]) => !/Request|Start\w*Schema|agentAddress|host/.test(name))

test('the schemas are found', () => expect(schemas.length).toBeGreaterThan(40))

test.for<[string, z.ZodType]>(schemas)('every property of %s has a description and an example', ([name, schema]) => {
  expect(undescribed(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema, name)).toEqual([])
})

test.for<[string, z.ZodType]>(schemas)('the examples of %s are valid', ([, schema]) => {
  const visit = (each: z.core.$ZodType) => {
    const { examples } = z.globalRegistry.get(each) ?? {}
    for (const example of (examples as unknown[] | undefined) ?? []) {
      expect(z.safeParse(each, example).error, JSON.stringify(example)).toBeUndefined()
    }
    if (each instanceof z.ZodObject) Object.values(each.shape).forEach(visit)
    else if (each instanceof z.ZodArray) visit(each.element)
    else if (each instanceof z.ZodUnion) each.options.forEach(visit)
    else if (each instanceof z.ZodOptional || each instanceof z.ZodNullable) visit(each.unwrap())
  }
  visit(schema)
})

test.for(legacyAnswers)('every value in the legacy %s has a description and an example', ([name, schema]) => {
  const found = undescribed(z.toJSONSchema(schema, { io: 'output' }) as JsonSchema, name)
  expect(found.filter(({ isValue }) => isValue)).toEqual([])
})
