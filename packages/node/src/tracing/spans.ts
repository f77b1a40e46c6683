import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

/** The role of a span in a call: who sends it, who serves it; or neither. */
export type SpanRole = 'client' | 'server' | 'internal'

/** What a span says of its work. */
export interface SpanOptions {
  role?: SpanRole
  /** None is secret. */
  attributes?: Attributes
  /** The `traceparent` of the span that it continues; undefined: the span that is active. */
  parent?: string | undefined
}

const TRACER = 'osb-backup'
const kinds = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const

/** A span that has begun. Without tracing it does nothing. */
export interface BegunSpan {
  /** Runs something as a part of the span. */
  run<T>(act: () => T): T
  /** @param outcome - What became known of the work. `error`: why it failed, without secrets. */
  end(outcome?: { attributes?: Attributes; error?: string | undefined }): void
}

/** Begins a span, which its caller ends. */
export function beginSpan(name: string, { role = 'internal', attributes = {}, parent }: SpanOptions = {}): BegunSpan {
  const from = parent === undefined ? context.active() : contextOf(parent)
  const span = trace.getTracer(TRACER).startSpan(name, { kind: kinds[role], attributes }, from)
  const within = trace.setSpan(from, span)
  return {
    run: (act) => context.with(within, act),
    end({ attributes: more = {}, error } = {}) {
      span.setAttributes(more)
      endSpan(span, error)
    },
  }
}

/**
 * Does something within a span, which ends with it. What it throws marks the span as failed.
 *
 * @param errorOf - Why a result counts as a failure; undefined: it does not.
 */
export async function withSpan<T>(
  name: string,
  options: SpanOptions,
  act: () => Promise<T>,
  errorOf: (result: T) => string | undefined = () => undefined,
): Promise<T> {
  const span = beginSpan(name, options)
  try {
    const result = await span.run(act)
    span.end({ error: errorOf(result) })
    return result
  } catch (error) {
    span.end({ error: error instanceof Error ? error.name : 'unknown error' })
    throw error
  }
}

function endSpan(span: Span, error: string | undefined): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
  span.end()
}

/** The `traceparent` (W3C Trace Context) of the span that is active; undefined: nothing is traced. */
export function activeTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent
}

function contextOf(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent })
}

/** A `traceparent` header, if it has that form; it is stored, and sent on. */
export function parseTraceparent(header: unknown): string | undefined {
  return typeof header === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(header) ? header : undefined
}
