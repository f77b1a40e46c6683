import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

interface ExportedSpan {
  service: string
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  status: { code?: number }
}

/** A collector that keeps what it is sent by OTLP over HTTP. */
const spans: ExportedSpan[] = []
const collector = createServer(async (request, response) => {
  const { resourceSpans } = JSON.parse(await text(request))
  expect(request.headers.authorization).toBe('Bearer of the collector')
  for (const { resource, scopeSpans } of resourceSpans) {
    const [{ value }] = resource.attributes.filter(({ key }: { key: string }) => key === 'service.name')
    for (const scope of scopeSpans) {
      for (const span of scope.spans) spans.push({ ...span, service: value.stringValue })
    }
  }
  response.setHeader('content-type', 'application/json').end('{}')
})
let fixture: Fixture

beforeAll(async () => {
  collector.listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of%20the%20collector',
  }
  fixture = await startFixture({ 'pre-backup-lock': 'exit 0' }, { ...settings, LOG_LEVEL: 'info' }, settings)
})
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]()
  collector.close()
})

const linesOf = (output: string): Record<string, unknown>[] =>
  output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))

test('a request is followed through manager and agent to each step, and logged under its id', async () => {
  const plan = await fixture.createPlan()
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await fixture.call('POST', `/v1/plans/${plan.id}/run`, undefined, {
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    'x-request-id': 'nightly-7',
  })
  expect(answer.headers.get('x-request-id')).toBe('nightly-7')
  const jobId = answer.body.id
  await fixture.waitForJob(jobId)

  const ofTrace = () => spans.filter((span) => span.traceId === traceId)
  /** The path to a span from the one that the caller sent. */
  const pathTo = (span: ExportedSpan | undefined): string[] =>
    span === undefined
      ? []
      : [...pathTo(ofTrace().find(({ spanId }) => spanId === span.parentSpanId)), `${span.service}: ${span.name}`]
  const step = () => ofTrace().find(({ name }) => name === 'step backup')
  await expect
    .poll(() => pathTo(step()))
    .toEqual([
      'osb-backup-manager: POST /v1/plans/:id/run',
      'osb-backup-manager: run job',
      'osb-backup-manager: run backup part',
      'osb-backup-manager: POST agent /backup',
      'osb-backup-agent: POST /backup',
      'osb-backup-agent: backup',
      'osb-backup-agent: step backup',
    ])
  expect(ofTrace().map(({ name }) => name)).toEqual(expect.arrayContaining(['step pre-backup-lock']))
  expect(ofTrace().filter(({ status }) => status.code === 2)).toEqual([])

  const ofRequest = linesOf(fixture.manager.output()).filter(({ requestId }) => requestId === 'nightly-7')
  expect(ofRequest.map(({ msg }) => msg)).toEqual(['incoming request', 'job created', 'request completed'])
  expect(ofRequest).toContainEqual(expect.objectContaining({ jobId, planId: plan.id }))
  const ofAgent = linesOf(fixture.agent.output()).filter(({ msg }) => msg === 'job started')
  expect(ofAgent).toEqual([expect.objectContaining({ kind: 'backup', requestId: expect.any(String) })])
  expect(String(ofAgent[0]?.jobId)).toContain(jobId)
})

test('an id that could forge lines of a log is replaced', async () => {
  const answer = await fixture.call('GET', '/v1/version', undefined, { 'x-request-id': '"} {"level":60' })
  expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})

test('a collector that is away fails no job, and delays no shutdown', async () => {
  collector.close()
  collector.closeAllConnections()
  const plan = await fixture.createPlan()
  expect(await fixture.runPlan(plan.id)).toMatchObject({ state: 'succeeded' })
  await expect.poll(() => fixture.manager.output(), { timeout: 60_000 }).toContain('traces are not exported')
  await fixture.restartManager()
})
