import { type AgentCheck, type AgentCheckResult, MAX_CHECK_OUTPUT } from '@osb-backup/protocol'
import { isSuccess, scriptFailure } from '../scripts/script-result.ts'
import { type RunContext, type StepResult, startStage } from './run-context.ts'

/**
 * Runs the script `check` once for each check of a drill, in their order. One that fails keeps none of the others from running;
 * what they printed is reported, and judged by the manager.
 */
export async function runChecks(run: RunContext, path: string, signal: AbortSignal): Promise<StepResult> {
  const results: AgentCheckResult[] = []
  run.job.checks = results
  const logs: string[] = []
  for (const check of run.job.request.drill?.checks ?? []) {
    if (signal.aborted) break
    const { result, stderr } = await runCheck(run, path, check, signal)
    results.push(result)
    logs.push(`${check.name}: ${result.ok ? 'ran' : 'failed'}\n${stderr}`)
  }
  const failures = results.filter(({ ok }) => !ok).map(({ name, error }) => `check ${JSON.stringify(name)}: ${error}`)
  if (signal.aborted) failures.push('the checks were cancelled')
  const stderr = logs.join('')
  return failures.length === 0 ? { ok: true, stderr } : { ok: false, problem: failures.join('\n'), stderr }
}

async function runCheck(
  run: RunContext,
  path: string,
  { name, kind, statement = '' }: AgentCheck,
  signal: AbortSignal,
): Promise<{ result: AgentCheckResult; stderr: string }> {
  const variables = { BACKUP_CHECK_NAME: name, BACKUP_CHECK_KIND: kind }
  const script = await startStage(run, 'check', path, signal, { stdin: 'stream', variables })
  // A script need not read its input.
  script.input?.on('error', () => undefined)
  script.input?.end(statement)
  const end = await script.ended
  const { stdout: output, stderr } = end
  if (!isSuccess(end.outcome)) {
    return { result: { name, ok: false, error: run.mask.mask(scriptFailure(path, end).problem) }, stderr }
  }
  if (output.length > MAX_CHECK_OUTPUT) {
    return { result: { name, ok: false, error: `it printed more than ${MAX_CHECK_OUTPUT} characters` }, stderr }
  }
  return { result: { name, ok: true, output }, stderr }
}
