import { withSpan } from '@osb-backup/node/tracing'
import type { Context } from '../context/context.ts'
import { findTraceparent } from './state-repository.ts'

/** Runs a job as a part of the trace of whatever created it, which another manager may have been asked for. */
export async function traceJob(
  context: Pick<Context, 'database' | 'settings'>,
  jobId: string,
  run: () => Promise<void>,
): Promise<void> {
  if (context.settings.otelExporterOtlpEndpoint === undefined) return run()
  const parent = await findTraceparent(context, jobId)
  await withSpan('run job', { parent, attributes: { 'osb_backup.job.id': jobId } }, run)
}
