import { expect, test } from 'vitest'
import { z } from 'zod'
import { validationMessage } from './validation-messages.ts'

const cases: [string, z.ZodType, unknown, string][] = [
  ['a field that is missing', z.string(), undefined, 'is required'],
  ['another type', z.string(), 5, 'must be a string, not a number'],
  ['a list', z.array(z.string()), { a: 1 }, 'must be a list, not an object'],
  ['a flag', z.boolean(), 'yes', 'must be true or false, not a string'],
  ['null', z.object({}), null, 'must be an object, not null'],
  ['a fraction', z.int(), 1.5, 'must be a whole number'],
  ['an empty text', z.string().min(1), '', 'must not be empty'],
  ['a short text', z.string().min(8), 'secret', 'must have at least 8 characters'],
  ['a long text', z.string().max(1), 'secret', 'must have at most 1 character'],
  ['a text of a fixed length', z.string().length(4), 'secret', 'must have exactly 4 characters'],
  ['an empty list', z.array(z.string()).min(1), [], 'must not be empty'],
  ['a long list', z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 entries'],
  ['a small number', z.number().min(60), 5, 'must be at least 60'],
  ['a large number', z.number().lt(60), 60, 'must be less than 60'],
  ['a choice', z.enum(['s3', 'swift']), 'ftp', 'must be one of "s3", "swift"'],
  ['a constant', z.literal(1), 2, 'must be 1'],
  ['a URL', z.url(), 'nowhere', 'must be a URL'],
  ['fields that do not exist', z.strictObject({}), { crom: 1 }, 'has unknown fields: "crom"'],
]

test.each(cases)('%s is described without its value', (_name, schema, value, message) => {
  const result = schema.safeParse(value, { error: validationMessage })
  expect(result.error?.issues[0]?.message).toBe(message)
  expect(message).not.toContain('secret')
})

test('a message of the schema itself stays', () => {
  const schema = z.string().regex(/^a$/, 'must be the letter a')
  expect(schema.safeParse('b', { error: validationMessage }).error?.issues[0]?.message).toBe('must be the letter a')
})
