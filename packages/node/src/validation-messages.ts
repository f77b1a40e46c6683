import { z } from 'zod'

type Issue = z.core.$ZodRawIssue

/**
 * Makes schemas describe values that are wrong in words that follow the name of a field: `must not be empty`. They never
 * contain the value. For the whole process; schemas that have messages of their own keep them.
 */
export function usePlainValidationMessages(): void {
  z.config({ customError: (issue) => validationMessage(issue) })
}

/** What is wrong with a value; undefined where zod's own wording is left as it is. */
export function validationMessage(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.input)
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`
    case 'too_small':
      return wrongSize(issue, issue.minimum, 'at least', 'more than')
    case 'too_big':
      return wrongSize(issue, issue.maximum, 'at most', 'less than')
    case 'invalid_format':
      return `must be ${formats[issue.format] ?? `a valid ${issue.format}`}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`
    default:
      return undefined
  }
}

const formats: Partial<Record<string, string>> = {
  regex: 'in the format that is described',
  url: 'a URL',
  email: 'an e-mail address',
  uuid: 'a UUID',
  datetime: 'an instant like 2026-03-01T02:00:00Z',
  date: 'a date like 2026-03-01',
  base64: 'base64',
}

const types: Partial<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

const typeName = (type: string) => types[type] ?? type

function wrongType(expected: string, input: unknown): string {
  if (input === undefined) return 'is required'
  const received = z.core.util.parsedType(input)
  // A number that is not whole is a number, too.
  if (expected === received || expected === 'int') return `must be ${typeName(expected)}`
  const given = received === 'boolean' ? 'a boolean' : typeName(received)
  return `must be ${typeName(expected)}, not ${given}`
}

function oneOf(values: readonly unknown[]): string {
  const names = values.map((value) => JSON.stringify(value))
  return names.length === 1 ? String(names[0]) : `one of ${names.join(', ')}`
}

const units: Partial<Record<string, readonly [string, string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  set: ['entry', 'entries'],
  map: ['entry', 'entries'],
}

function wrongSize(
  issue: { origin: string; inclusive?: boolean | undefined; exact?: boolean | undefined },
  limit: number | bigint,
  inclusive: string,
  exclusive: string,
): string {
  const bound = issue.exact === true ? 'exactly' : issue.inclusive === false ? exclusive : inclusive
  const unit = units[issue.origin]
  if (unit === undefined) return `must be ${bound} ${limit}`
  if (bound === 'at least' && Number(limit) === 1) return 'must not be empty'
  return `must have ${bound} ${limit} ${unit[Number(limit) === 1 ? 0 : 1]}`
}
