import { err, isDeclaredItem, ok, type Result, type RunKind } from '@osb-backup/core'
import { DEFAULT_PRIORITY, ELECT_STAGE, LIST_STAGE } from '@osb-backup/protocol'
import type { FastifyReply } from 'fastify'
import type { JobDependencies } from '../jobs/job-dependencies.ts'
import { parseItems } from '../queries/parse-items.ts'
import { type Priority, parsePriority } from '../queries/parse-priority.ts'
import type { Query, QueryFailure } from '../queries/query-scripts.ts'
import { findPack, type ScriptPack } from '../scripts/script-pack.ts'
import { checkDatabase } from './check-database.ts'
import { checkParameters } from './check-request.ts'
import { readBody } from './read-body.ts'
import { databaseNotAllowed, refuseReservation } from './start-job.ts'

type QueryDependencies = Pick<JobDependencies, 'settings' | 'queries' | 'registry' | 'log'>

const statuses = {
  not_supported: 501,
  script_failed: 500,
  job_limit: 429,
  stopping: 503,
} as const satisfies Record<QueryFailure['code'], number>
/** The codes of failed lists, which are older than other questions. */
const listCodes: Partial<Record<QueryFailure['code'], string>> = {
  not_supported: 'items_not_supported',
  script_failed: 'list_items_failed',
}

/**
 * Answers `POST /items`: what can be backed up, as the script `list-items` of the pack prints it. The body is that of a backup
 * without a destination.
 */
export async function answerItems(text: string, reply: FastifyReply, deps: QueryDependencies): Promise<FastifyReply> {
  const question = await readQuery('backup', text, deps)
  if ('problem' in question) return refuse(reply, question.problem)
  const printed = await deps.queries.ask(LIST_STAGE, question.pack, question.query)
  const fail = (failure: QueryFailure) => {
    deps.log.warn({ code: failure.code, err: failure.message }, 'items not listed')
    const code = listCodes[failure.code] ?? failure.code
    const answer = { message: 'The items cannot be listed.', code, error_message: failure.message }
    return reply.code(statuses[failure.code]).send(answer)
  }
  if (!printed.ok) return fail(printed.error)
  const items = parseItems(printed.value.output)
  if (!items.ok) return fail({ code: 'script_failed', message: `${printed.value.path} ${items.error}` })
  const { allowedDatabases } = deps.settings
  const allowed = (item: string) => allowedDatabases === undefined || isDeclaredItem(item, allowedDatabases)
  return reply.code(200).send({ items: items.value.filter(allowed) })
}

/**
 * Answers `POST /elect/backup` and `POST /elect/restore`: how well this node suits for such a job, as the script `elect` of the pack prints
 * it. The body is that of the job without a destination; where the job would not be started now, the answer says so in the same way. Without
 * a database nothing is going to be started.
 */
export async function answerElection(
  kind: RunKind,
  text: string,
  reply: FastifyReply,
  deps: QueryDependencies,
): Promise<FastifyReply> {
  const question = await readQuery(kind, text, deps)
  if ('problem' in question) return refuse(reply, question.problem)
  const { pack, query } = question
  if (question.isNamed) {
    const { name } = query.database
    const { allowedDatabases } = deps.settings
    if (allowedDatabases !== undefined && !isDeclaredItem(name, allowedDatabases)) {
      return reply.code(403).send(databaseNotAllowed(name))
    }
    // First: also an agent that accepts no jobs at the moment knows which databases its jobs have locked.
    const blockedBy = deps.registry.blockerOf(query.database)
    const refusal =
      blockedBy === undefined
        ? deps.registry.refusalOf(kind, query.database)
        : ({ result: 'database-busy', blockedBy } as const)
    if (refusal !== undefined) return refuseReservation(reply, refusal, deps)
  }
  const priority = await askPriority(pack, { ...query, kind }, deps)
  if (priority.ok) return reply.code(200).send(priority.value)
  const { code, message } = priority.error
  deps.log.warn({ code, err: message }, 'no priority')
  return reply.code(statuses[code]).send({ message: 'There is no priority.', code, error_message: message })
}

async function askPriority(
  pack: ScriptPack,
  query: Query,
  { queries }: Pick<JobDependencies, 'queries'>,
): Promise<Result<Priority, QueryFailure>> {
  const printed = await queries.ask(ELECT_STAGE, pack, query)
  if (!printed.ok) return printed.error.code === 'not_supported' ? ok({ priority: DEFAULT_PRIORITY }) : printed
  const read = parsePriority(printed.value.output)
  return read.ok ? read : err({ code: 'script_failed', message: `${printed.value.path} ${read.error}` })
}

const refuse = (reply: FastifyReply, problem: string) =>
  reply.code(400).send({ message: 'Invalid request.', error_message: problem })

/** Reads what a script is to be asked. */
async function readQuery(
  kind: RunKind,
  text: string,
  { settings }: Pick<JobDependencies, 'settings'>,
): Promise<{ pack: ScriptPack; query: Query; isNamed: boolean } | { problem: string }> {
  const body = readBody(kind, text)
  if (!body.ok) return { problem: body.error }
  const { database = {} } = body.value
  const pack = await findPack(settings, body.value.pack)
  if (!pack.ok) return { problem: pack.error }
  const access = checkDatabase(kind, { ...database, database: database.database ?? 'none' })
  if (!access.ok) return { problem: access.error }
  const parameters = checkParameters(body.value, pack.value, settings)
  if (!parameters.ok) return { problem: parameters.error }
  const { parameters: values, secretParameters = [] } = parameters.value
  const name = database.database ?? ''
  const query = { database: { ...access.value, name }, parameters: values, secretParameters }
  return { pack: pack.value, query, isNamed: name !== '' }
}
