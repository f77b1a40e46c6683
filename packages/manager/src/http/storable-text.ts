import type { FastifyInstance } from 'fastify'
import { RequestError } from '../shared/request-error.ts'

/** Deeper bodies are refused; no valid one is nearly as deep. */
const MAX_DEPTH = 50

/**
 * Refuses requests with text that PostgreSQL cannot store: NUL, and lone surrogates. Refused here, since no schema of a
 * field says so.
 */
export function refuseUnstorableText(app: FastifyInstance): void {
  app.addHook('preValidation', async (request) => {
    checkText(request.params, 'path', 0)
    checkText(request.query, 'query', 0)
    checkText(request.body, '', 0)
  })
}

function checkText(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new RequestError('invalid', `The body is nested deeper than ${MAX_DEPTH} levels.`)
  }
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) {
      throw new RequestError(
        'invalid',
        `${path || 'The body'} contains a NUL or a lone surrogate, which cannot be stored.`,
        {
          ...(path ? { field: path } : {}),
        },
      )
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      checkText(name, path, depth + 1)
      checkText(inner, path === '' ? name : `${path}.${name}`, depth + 1)
    }
  }
}
