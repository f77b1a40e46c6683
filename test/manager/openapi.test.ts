import { type ManagerProcess, makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Content {
  schema: object
  example?: unknown
}
interface Operation {
  summary?: string
  operationId?: string
  description?: string
  parameters?: { name: string; in: string; schema: object; example?: unknown }[]
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, { description: string; content?: Record<string, Content> }>
}

/** Where in an example a value is not known. */
function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return value === '…' ? [path] : []
  return Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, `${path}.${name}`))
}

let stack: AsyncDisposableStack
let manager: ManagerProcess
let document: { openapi: string; paths: Record<string, Record<string, Operation>>; components: { schemas: object } }
let operations: { name: string; method: string; path: string; operation: Operation }[]

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  manager = await startManagerProcess({ DATA_DIR: folder.path })
  stack.defer(() => manager.stop())
  document = (await (await fetch(`${manager.url}/openapi.json`)).json()) as typeof document
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
  )
})

afterAll(() => stack.disposeAsync())

test('the description is OpenAPI 3.1, by the schema of that', async () => {
  expect(document.openapi).toBe('3.1.0')
  expect(await new Validator().validate(document)).toMatchObject({ valid: true })
})

describe('every operation', () => {
  test('has a summary, a name of its own, and says who may call it', () => {
    expect(operations.length).toBeGreaterThan(40)
    for (const { name, operation } of operations) {
      expect([name, operation.summary]).toEqual([name, expect.stringMatching(/^[A-Z].{5,}/)])
      expect([name, operation.description]).toEqual([
        name,
        expect.stringMatching(/^(Needs the role|Open to every caller)/),
      ])
    }
    const names = operations.map(({ operation }) => operation.operationId)
    expect(new Set(names).size).toBe(names.length)
  })

  test('has an example that fits the schema, of everything that is sent and answered', () => {
    // Swagger writes draft 2020-12; the patterns of zod are meant for the flag that Ajv sets.
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ $id: 'api', components: document.components })
    const findings: unknown[] = []
    const check = (where: string, { schema, example }: Content) => {
      if (example === undefined || JSON.stringify(example).includes('"…"'))
        findings.push([where, 'no example', pathsOf(example)])
      const text = JSON.stringify(schema).replaceAll('"#/components', '"api#/components')
      const validate = ajv.compile(JSON.parse(text))
      if (!validate(example)) findings.push([where, validate.errors])
    }
    for (const { name, operation } of operations) {
      for (const parameter of operation.parameters ?? []) check(`${name} ${parameter.name}`, parameter)
      for (const content of Object.values(operation.requestBody?.content ?? {})) check(name, content)
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (status === '204') expect([name, content]).toEqual([name, undefined])
        for (const each of Object.values(content ?? {})) check(`${name} ${status}`, each)
      }
    }
    expect(findings).toEqual([])
  })

  test('says how it may be refused, with a problem for each', () => {
    for (const { name, operation } of operations) {
      const refusals = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400)
      const statuses = refusals.map(([status]) => Number(status))
      const isOpen = operation.description === 'Open to every caller.'
      expect([name, statuses]).toEqual([name, expect.arrayContaining(isOpen ? [500] : [401, 403, 429, 500])])
      for (const [status, { content = {} }] of refusals) {
        expect([name, content['application/problem+json']?.example]).toEqual([
          name,
          expect.objectContaining({ status: Number(status), detail: expect.any(String) }),
        ])
      }
    }
  })

  test('that has a body accepts its example, as far as its schema is concerned', async () => {
    for (const { name, method, path, operation } of operations) {
      const body = operation.requestBody?.content['application/json']?.example
      if (body === undefined) continue
      const response = await fetch(manager.url + path.replace(/\{\w+\}/g, 'unknown'), {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const text = await response.text()
      const isUnknown = /There is no|has no file destination/.test(text)
      expect([name, response.status < 300 || isUnknown, text]).toEqual([name, true, text])
    }
  })
})

test('the page at /docs shows every operation, and loads everything from this server', async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
    const foreign: string[] = []
    const errors: string[] = []
    page.on('request', (request) => {
      const isOurs = request.url().startsWith(manager.url) || request.url().startsWith('data:')
      if (!isOurs) foreign.push(request.url())
    })
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('pageerror', (error) => errors.push(error.message))
    const response = await page.goto(`${manager.url}/docs`)
    expect(response?.headers()['content-security-policy']).toContain("default-src 'none'")
    await page.waitForSelector('.opblock-summary')
    // Of many operations, the page renders those that are scrolled to.
    const seen = new Set<string>()
    await expect
      .poll(async () => {
        for (const text of await page.locator('.opblock-summary').allInnerTexts()) seen.add(text)
        await page.mouse.wheel(0, 700)
        return seen.size
      })
      .toBe(operations.length)
    const create = page.locator('.opblock-summary', { hasText: 'Create a backup plan' }).first()
    await page.evaluate('window.scrollTo(0, 0)')
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 700)
        return create.count()
      })
      .toBe(1)
    await create.click()
    await page.locator('.opblock.is-open', { hasText: '0 0 2 * * *' }).first().waitFor()
    expect({ foreign, errors }).toEqual({ foreign: [], errors: [] })
  } finally {
    await browser.close()
  }
})
