import { type ManagerProcess, makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 8000)
const AT_ONCE = 40
const ANSWER_WITHIN_MS = 120_000

let stack: AsyncDisposableStack
let manager: ManagerProcess

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  manager = await startManagerProcess({ DATA_DIR: folder.path, LOG_LEVEL: 'error', AGENT_UNREACHABLE_SECONDS: '1' })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

interface JsonSchema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  $ref?: string
}
interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string }[]
  body: JsonSchema | undefined
  /** The statuses that the document says it may answer. */
  statuses: ReadonlySet<number>
}

const nasty = fc.constantFrom<unknown>(
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '../../etc/passwd',
    '%00',
    '\ud800',
    '💥',
    "'; drop table jobs; --",
    'x'.repeat(5000),
    '***',
    'none',
    'true',
    '7.9',
    'NaN',
    '-1',
  ],
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER + 2,
    [],
    {},
    [[[]]],
    { __proto__: null },
    { constructor: 1 },
  ],
)
const anything = fc.oneof({ weight: 3, arbitrary: nasty }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) })

/** Values that fit a schema, nearly: at every level something else may replace them. */
function nearly(schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
  const fits = ((): fc.Arbitrary<unknown> => {
    const variants = schema.anyOf ?? schema.oneOf
    if (variants !== undefined) return fc.oneof(...variants.map((each) => nearly(each, depth + 1)))
    if (schema.const !== undefined) return fc.constant(schema.const)
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
    switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
      case 'object': {
        const properties = Object.entries(schema.properties ?? {}).map(
          ([name, inner]) => [name, nearly(inner, depth + 1)] as const,
        )
        return fc.record(Object.fromEntries(properties), { requiredKeys: schema.required ?? [] })
      }
      case 'array':
        return fc.array(nearly(schema.items ?? {}, depth + 1), { maxLength: 4 })
      case 'integer':
      case 'number':
        return fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.integer())
      case 'boolean':
        return fc.boolean()
      case 'string':
        return fc.oneof(
          fc.constantFrom(
            'fuzz',
            '0 0 2 * * *',
            'Europe/Berlin',
            'http://127.0.0.1:9',
            '127.0.0.1',
            '/tmp',
            '2030-01-01T00:00:00Z',
          ),
          fc.string({ unit: 'binary', maxLength: 40 }),
        )
      default:
        return anything
    }
  })()
  return fc.oneof({ weight: 12, arbitrary: fits }, { weight: 1, arbitrary: anything })
}

async function operations(): Promise<Operation[]> {
  const document = (await (await fetch(`${manager.url}/openapi.json`)).json()) as {
    paths: Record<
      string,
      Record<
        string,
        {
          parameters?: Operation['parameters']
          requestBody?: { content: Record<string, { schema: JsonSchema }> }
          responses: Record<string, unknown>
        }
      >
    >
  }
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema,
      statuses: new Set(Object.keys(responses).map(Number)),
    })),
  )
}

interface Request {
  method: string
  path: string
  body: string | undefined
  headers: Record<string, string>
  statuses: ReadonlySet<number>
}

function requestsOf(operation: Operation): fc.Arbitrary<Request> {
  const text = fc.oneof(
    fc.constantFrom('fuzz', '0123456789abcdef01234567'),
    nasty.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
    fc.string({ maxLength: 30 }),
  )
  const namesIn = (place: string) => operation.parameters.filter((each) => each.in === place).map((each) => each.name)
  const query = namesIn('query')
  const headers = namesIn('header')
  // Fetch itself refuses what is no header.
  const headerText = text.map((value) => value.replace(/[^\x20-\x7e]/g, '').trim())
  return fc
    .record({
      ids: fc.array(text, { minLength: 4, maxLength: 4 }),
      query: fc.dictionary(fc.constantFrom('page', ...query), text, { maxKeys: 3 }),
      body: operation.body === undefined ? fc.constant(undefined) : nearly(operation.body),
      headers: headers.length === 0 ? fc.constant({}) : fc.dictionary(fc.constantFrom(...headers), headerText),
      isBroken: fc.integer({ min: 0, max: 19 }),
    })
    .map(({ ids, query, body, headers, isBroken }) => {
      let next = 0
      const path = operation.path.replace(/\{\w+\}/g, () => encodeURIComponent((ids[next++] ?? '').toWellFormed()))
      const search = new URLSearchParams(query).toString()
      const json = body === undefined ? undefined : JSON.stringify(body)
      return {
        method: operation.method,
        path: search ? `${path}?${search}` : path,
        body: isBroken === 0 ? json?.slice(0, -1) : json,
        headers,
        statuses: operation.statuses,
      }
    })
}

async function send({ method, path, body, headers, statuses }: Request): Promise<string | undefined> {
  const response = await fetch(manager.url + path, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${TEST_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body ?? null,
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
  if (response.headers.get('content-type') === 'text/event-stream') {
    await response.body?.cancel()
    return response.status === 200 ? undefined : `${response.status} as a stream`
  }
  const answer = await response.text()
  if (!statuses.has(response.status)) return `a status that the document does not name: ${response.status} ${answer}`
  if (response.status >= 500) return `${response.status} ${answer}`
  if (response.status < 400) return undefined
  const problem = JSON.parse(answer) as { status?: unknown; detail?: unknown }
  const isProblem =
    response.headers.get('content-type') === 'application/problem+json' &&
    problem.status === response.status &&
    typeof problem.detail === 'string'
  return isProblem ? undefined : `no problem document: ${answer}`
}

test(`${REQUESTS} random and nearly valid requests: no 5xx, no hang, every refusal a problem document`, {
  timeout: 1_200_000,
}, async () => {
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
  console.log(`fuzz: seed ${seed}`)
  const all = await operations()
  const each = Math.ceil(REQUESTS / all.length)
  const requests = all.flatMap((operation) => fc.sample(requestsOf(operation), { seed, numRuns: each }))
  const findings: string[] = []
  const statuses = new Map<string, number>()
  const queue = requests.values()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const request of queue) {
        const finding = await send(request).catch((error: Error) => `no answer: ${error.message}`)
        if (finding !== undefined) findings.push(`${request.method} ${request.path} ${request.body}: ${finding}`)
        const key = finding === undefined ? 'answered' : 'finding'
        statuses.set(key, (statuses.get(key) ?? 0) + 1)
      }
    }),
  )
  expect(findings.slice(0, 10)).toEqual([])
  expect(statuses.get('answered')).toBe(requests.length)
  expect(requests.length).toBeGreaterThanOrEqual(REQUESTS)
})
