import { RequestError } from '../shared/request-error.ts'

/** What zod says of a value that is wrong. */
export interface Issue {
  code?: string | undefined
  path: readonly PropertyKey[]
  message: string
  keys?: readonly string[] | undefined
}

/** The refusal of a request that does not fit its schema, naming the field. */
export function invalidRequest(issue: Issue | undefined): RequestError {
  const path = issue?.path.map(String) ?? []
  const [unknown] = issue?.code === 'unrecognized_keys' ? (issue.keys ?? []) : []
  if (unknown !== undefined) {
    const field = [...path, unknown].join('.')
    return new RequestError('unknown-field', `There is no field ${JSON.stringify(field)}.`, { field })
  }
  const field = path.join('.')
  const message = sentence(`${field || 'The body'}: ${issue?.message ?? 'is wrong'}`)
  return new RequestError('invalid', message, field ? { field } : {})
}

/** Ends a text with a full stop. */
export function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
