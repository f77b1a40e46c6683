import { STATUS_CODES } from 'node:http'
import type { ProblemCode } from '@osb-backup/protocol/v1'

/** What of an operation says how it may be refused. */
export interface OperationFacts {
  method: string
  path: string
  isOpen: boolean
  hasBody: boolean
  hasParameters: boolean
  /** Whether a version may be named that is edited: If-Match. */
  isVersioned: boolean
}

interface Refusal {
  status: number
  /** In `/v1`. */
  code: ProblemCode
  means: string
  detail: string
  field?: string
  applies(facts: OperationFacts): boolean
}

/** An open operation that is sent a body finds the credentials of its caller there. */
const checksCredentials = ({ isOpen, hasBody }: OperationFacts): boolean => !isOpen || hasBody

/** Open, and there is none unless the settings name one; it may be unreachable. */
const isOfIdentityProvider = ({ path }: OperationFacts): boolean => path === '/v1/sign-in/identity-provider'

/** A service broker may not answer. */
const asksBroker = ({ path }: OperationFacts): boolean => path === '/v1/service-brokers/{id}/catalog'

const refusals: readonly Refusal[] = [
  {
    status: 400,
    code: 'invalid-request',
    means: 'The request is invalid; `field` names the field at fault',
    detail: 'timezone "Middle/Earth" is unknown; use a name like Europe/Berlin.',
    field: 'timezone',
    applies: () => true,
  },
  {
    status: 401,
    code: 'unauthenticated',
    means: 'No credentials, or invalid ones',
    detail: 'These credentials are not valid here.',
    applies: checksCredentials,
  },
  {
    status: 403,
    code: 'forbidden',
    means: 'The role of the caller does not allow it',
    detail: 'This needs the role operator; "Ada" is viewer.',
    applies: ({ isOpen }) => !isOpen,
  },
  {
    status: 404,
    code: 'not-found',
    means: 'It does not exist, or belongs to a service instance that the caller was not granted',
    detail: 'There is no backup plan "69a3a7c0f1d2b3c4d5e6f708".',
    applies: (facts) => facts.path.includes('{') || facts.hasBody || facts.hasParameters || isOfIdentityProvider(facts),
  },
  {
    status: 409,
    code: 'conflict',
    means: 'The current state does not allow it',
    detail: 'The backup plan "nightly" still uses this file destination.',
    applies: (facts) => checksCredentials(facts) && (facts.method !== 'get' || asksBroker(facts)),
  },
  {
    status: 412,
    code: 'version-mismatch',
    means: 'It was changed since the version that If-Match names',
    detail: 'This was changed since you read it: read it again and repeat your change.',
    applies: ({ isVersioned }) => isVersioned,
  },
  {
    status: 413,
    code: 'payload-too-large',
    means: 'The body is larger than 16 MiB',
    detail: 'Request body is too large.',
    applies: ({ hasBody }) => hasBody,
  },
  {
    status: 415,
    code: 'unsupported-media-type',
    means: 'The body is no JSON',
    detail: 'Unsupported Media Type.',
    applies: ({ hasBody }) => hasBody,
  },
  {
    status: 429,
    code: 'rate-limited',
    means: 'Too many failed attempts to log in; Retry-After says when to try again',
    detail: 'Too many failed attempts from this address; try again in 42 seconds.',
    applies: checksCredentials,
  },
  {
    status: 500,
    code: 'internal',
    means: 'A fault of the manager; its log says which',
    detail: 'The manager failed to serve this request; its log says why.',
    applies: () => true,
  },
  {
    status: 503,
    code: 'unavailable',
    means:
      "The manager's database is unavailable, the request reached its deadline, or the identity provider cannot be asked (`identity-provider-unavailable`); Retry-After says when to try again",
    detail: "The manager's database is unavailable at the moment: try again in 5 seconds.",
    applies: (facts) => checksCredentials(facts) || facts.path === '/ready' || isOfIdentityProvider(facts),
  },
]

/**
 * How an operation may be refused, as OpenAPI describes answers: a problem; over the legacy paths also its sentence, for
 * clients that ask for text.
 */
export function refusalAnswers(facts: OperationFacts): Record<string, unknown> {
  const isV1 = facts.path.startsWith('/v1/')
  const applying = refusals.filter((refusal) => refusal.applies(facts))
  return Object.fromEntries(
    applying.map(({ status, code, means, detail, field }) => {
      const title = STATUS_CODES[status] ?? 'Error'
      const coded = isV1 ? { code } : {}
      const example = { type: 'about:blank', title, status, ...coded, detail, ...(field ? { field } : {}) }
      const schema = { $ref: `#/components/schemas/${isV1 ? 'Problem' : 'LegacyProblem'}` }
      const text = isV1 ? {} : { 'text/plain': { schema: { type: 'string' }, example: detail } }
      return [
        String(status),
        { description: means, content: { 'application/problem+json': { schema, example }, ...text } },
      ]
    }),
  )
}
