import type { FastifyReply } from 'fastify'
import type { ListFailure } from '../items/list-items.ts'
import type { JobDependencies } from '../jobs/job-dependencies.ts'
import { findPack } from '../scripts/script-pack.ts'
import { checkDatabase } from './check-database.ts'
import { checkParameters } from './check-request.ts'
import { readBody } from './read-body.ts'

const statuses = {
  items_not_supported: 501,
  list_items_failed: 500,
  job_limit: 429,
  stopping: 503,
} as const satisfies Record<ListFailure['code'], number>

/**
 * Answers `POST /items`: what can be backed up, as the script `list-items` of the pack prints it. The body is that of a backup
 * without a destination.
 */
export async function answerItems(
  text: string,
  reply: FastifyReply,
  { settings, itemLists, log }: Pick<JobDependencies, 'settings' | 'itemLists' | 'log'>,
): Promise<FastifyReply> {
  const refuse = (problem: string) => reply.code(400).send({ message: 'Invalid request.', error_message: problem })
  const body = readBody('backup', text)
  if (!body.ok) return refuse(body.error)
  const { database = {}, pack: name } = body.value
  const pack = await findPack(settings, name)
  if (!pack.ok) return refuse(pack.error)
  const access = checkDatabase('backup', { ...database, database: database.database ?? 'none' })
  if (!access.ok) return refuse(access.error)
  const parameters = checkParameters(body.value, pack.value, settings)
  if (!parameters.ok) return refuse(parameters.error)
  const listed = await itemLists.list(pack.value, {
    database: access.value,
    parameters: parameters.value.parameters,
    secretParameters: parameters.value.secretParameters ?? [],
  })
  if (listed.ok) return reply.code(200).send({ items: listed.value })
  const { code, message } = listed.error
  log.warn({ code, err: message }, 'items not listed')
  return reply.code(statuses[code]).send({ message: 'The items cannot be listed.', code, error_message: message })
}
