import { expect, test } from 'vitest'
import { z } from 'zod'
import * as v1 from './index.ts'

interface JsonSchema {
  description?: string
  examples?: unknown[]
  properties?: Record<string, JsonSchema>
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
}

/** The properties below a schema that have no description, or a value without example. */
function undescribed(schema: JsonSchema, path: string): string[] {
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  const inner = [...variants, ...(schema.items ? [schema.items] : [])]
  const below = inner.flatMap((each) => undescribed(each, path))
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const wrong = property.description === undefined || (!isComposite(property) && property.examples === undefined)
    return [...(wrong ? [`${path}.${name}`] : []), ...undescribed(property, `${path}.${name}`)]
  })
  return [...below, ...properties]
}

/** Whether an example follows from the properties inside. */
function isComposite({ properties, items, anyOf = [], oneOf = [] }: JsonSchema): boolean {
  return (
    properties !== undefined || (items !== undefined && isComposite(items)) || [...anyOf, ...oneOf].some(isComposite)
  )
}

const schemas = Object.entries<unknown>(v1).filter(
  (entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType,
)

test('there are schemas to look at', () => expect(schemas.length).toBeGreaterThan(40))

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
