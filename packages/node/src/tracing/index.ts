import { z } from 'zod'
import { httpUrl, text } from '../settings/schemas.ts'
import type { StopTracing, TracingOptions } from './export.ts'

export { activeTraceparent, type BegunSpan, beginSpan, parseTraceparent, withSpan } from './spans.ts'

/** The settings of tracing, under the names that OpenTelemetry gives them. The exporter reads the endpoint and the headers itself. */
export const tracingTable = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: httpUrl,
    description:
      'URL of a collector that traces are sent to by OTLP over HTTP: http://otel-collector:4318; nothing is traced while it is not set',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: text,
    description: 'headers of these requests, as name=value with commas between them',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: z
      .string()
      .regex(/^(0(\.\d{1,6})?|1(\.0)?)$/, 'must be a number from 0 to 1')
      .transform(Number),
    default: '1',
    description:
      'part of the traces that is recorded, from 0 to 1; those that a caller began are recorded as it decided',
  },
} as const

/**
 * Starts to trace. Without it the functions of this module cost next to nothing: the SDK is not even loaded.
 *
 * @returns What stops it.
 */
export async function startTracing(options: TracingOptions): Promise<StopTracing> {
  const { registerTracing } = await import('./export.ts')
  return registerTracing(options)
}
