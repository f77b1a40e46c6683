import { err, ok, type Result, type RunKind } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { type AgentCheck, DRILL_DATABASE_PREFIX } from '@osb-backup/protocol'
import type { JobRequest } from '../jobs/job-request.ts'
import { findScript, type ScriptPack } from '../scripts/script-pack.ts'
import type { RequestBody } from './read-body.ts'
import { valueProblem } from './safe-text.ts'

const MAX_CHECKS = 100
const MAX_NAME_LENGTH = 200

/**
 * Validates what a request says of a drill. It is refused before anything is restored where the scripts could not check or drop
 * the database; and no database is dropped but one that has the name of those that drills create.
 */
export async function checkDrill(
  kind: RunKind,
  { drill }: Pick<RequestBody, 'drill'>,
  pack: ScriptPack,
  database: string,
): Promise<Result<JobRequest['drill']>> {
  if (kind !== 'restore' || drill === undefined) return ok(undefined)
  const { checks = [], cleanup: isDropped = false } = drill
  if (pack.form === 1) return err('drill: these scripts are of form 1, which has no stages for drills')
  if (isDropped && !database.startsWith(DRILL_DATABASE_PREFIX)) {
    return err(`drill.cleanup drops databases whose names begin with ${DRILL_DATABASE_PREFIX} and no others`)
  }
  const problem = checks.length > MAX_CHECKS ? `drill.checks must have at most ${MAX_CHECKS} entries` : undefined
  const wrong = problem ?? checks.map(checkProblem).find((each) => each !== undefined)
  if (wrong !== undefined) return err(wrong)
  for (const [stage, isWanted] of [['check', checks.length > 0] as const, ['drill-cleanup', isDropped] as const]) {
    if (!isWanted) continue
    const script = await findScript(pack, stage)
    if (!script.ok) return script
    if (script.value === undefined) return err(`the script pack ${pack.name} has no ${stage}, which the drill needs`)
  }
  return ok({ checks: checks.map((check) => omitUndefined(check)), isDropped })
}

function checkProblem({ name, kind, statement }: AgentCheck): string | undefined {
  if (name === '' || name.length > MAX_NAME_LENGTH)
    return `drill.checks: a name must have 1 to ${MAX_NAME_LENGTH} characters`
  if (kind === 'statement' && !statement) return `drill.checks: ${JSON.stringify(name)} has no statement`
  return valueProblem('drill.checks: the name', name) ?? valueProblem('drill.checks: the statement', statement ?? '')
}
