import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** What is traced, and how a failure to export it is reported. */
export interface TracingOptions {
  serviceName: string
  version: string
  /** Which part of the traces that begin here is recorded, from 0 to 1. */
  sampleRatio: number
  warn(message: string): void
}

/** Exports the last spans, for a moment at most. Never rejects. */
export type StopTracing = () => Promise<void>

const EXPORT_TIMEOUT_MS = 5000
/** How long the last spans have to be exported: a collector that is away delays no shutdown. */
const LAST_EXPORT_MS = 2000
/** A collector that is away is reported so often at most. */
const REPORT_EVERY_MS = 60_000

/** Registers the SDK, which exports spans by OTLP to `OTEL_EXPORTER_OTLP_ENDPOINT`. Loaded only when that is set. */
export function registerTracing({ serviceName, version, sampleRatio, warn }: TracingOptions): StopTracing {
  diag.setLogger(
    { error: atMostEvery(REPORT_EVERY_MS, warn), warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  )
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT_MS }),
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  return async () => {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, LAST_EXPORT_MS)
    // The diagnostics above report a failure.
    await Promise.race([provider.shutdown().catch(() => undefined), late.promise])
    clearTimeout(timer)
  }
}

const ignore = () => undefined

function atMostEvery(intervalMs: number, report: (message: string) => void): (message: string) => void {
  let reportedAtMs: number | undefined
  return (message) => {
    const nowMs = performance.now()
    if (reportedAtMs !== undefined && nowMs - reportedAtMs < intervalMs) return
    reportedAtMs = nowMs
    report(message.slice(0, 500))
  }
}
