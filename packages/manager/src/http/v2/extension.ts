import { omitUndefined } from '@osb-backup/node'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Broker } from '../../broker/broker.ts'
import {
  changeSchedule,
  deleteBackup,
  findSubject,
  getBackup,
  getOperation,
  getSubjectPlan,
  startSubjectBackup,
  startSubjectRestore,
} from '../../broker/extension.ts'
import { openObject } from '../../downloads/service.ts'
import type { Job } from '../../jobs/job.ts'
import type { BackupPlan } from '../../plans/plan.ts'
import type { RestorePoint } from '../../restore-points/restore-point.ts'
import { searchPoints } from '../../restore-points/service.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { sendObject } from '../send-object.ts'
import type { App } from '../typed-app.ts'
import { keysetOf, toList } from '../v1/lists.ts'
import { EXTENSION_PATH } from './extension-document.ts'
import {
  backupParams,
  backupQuery,
  createBody,
  operationParams,
  restoreBody,
  scheduleBody,
} from './extension-schemas.ts'
import { instanceParams } from './schemas.ts'

/** The backup extension of the Open Service Broker API: what users do with backups, through their platform. */
export function extensionRoutes(app: App, broker: Broker): void {
  const { context } = broker
  const root = `/service_instances/:instance_id/extensions/${EXTENSION_PATH}`

  app.get(`${root}/backups`, { schema: { params: instanceParams, querystring: backupQuery } }, async (request) => {
    const { params, platform, query } = request
    const { instanceId } = await findSubject(broker, platform, params.instance_id)
    const { item, ...paging } = query
    const page = await searchPoints(context, platform.call, { instanceId, item }, keysetOf(paging))
    const { items, nextCursor } = toList(page, backupToWire)
    return omitUndefined({ backups: items, next_cursor: nextCursor })
  })

  app.post(`${root}/backups`, { schema: { params: instanceParams, body: createBody } }, async (request, reply) => {
    const { params, platform, body } = request
    const subject = await findSubject(broker, platform, params.instance_id)
    const options = { planId: body.plan_id, key: parseIdempotencyKey(request) }
    return sendStarted(request, reply, await startSubjectBackup(broker, platform, subject, options))
  })

  app.get(`${root}/backups/:backup_id`, { schema: { params: backupParams } }, async ({ params, platform }) => {
    const subject = await findSubject(broker, platform, params.instance_id)
    return backupToWire(await getBackup(broker, platform, subject, params.backup_id))
  })

  app.delete(
    `${root}/backups/:backup_id`,
    { handlerTimeout: OUTSIDE_CALL_DEADLINE_MS, schema: { params: backupParams } },
    async ({ params, platform }) => {
      const subject = await findSubject(broker, platform, params.instance_id)
      await deleteBackup(broker, platform, await getBackup(broker, platform, subject, params.backup_id))
      return {}
    },
  )

  app.get(
    `${root}/backups/:backup_id/content`,
    { handlerTimeout: OUTSIDE_CALL_DEADLINE_MS, schema: { params: backupParams } },
    async (request, reply) => {
      const { params, platform } = request
      const subject = await findSubject(broker, platform, params.instance_id)
      const { id } = await getBackup(broker, platform, subject, params.backup_id)
      await sendObject(request, reply, (signal) =>
        openObject(context, platform.call, id, { file: 'object', range: undefined, signal }),
      )
    },
  )

  app.post(
    `${root}/backups/:backup_id/restores`,
    { schema: { params: backupParams, body: restoreBody } },
    async (request, reply) => {
      const { params, platform, body } = request
      const subject = await findSubject(broker, platform, params.instance_id)
      const point = await getBackup(broker, platform, subject, params.backup_id)
      const { database, service_instance: instanceId } = body
      const restore = { database, instanceId, key: parseIdempotencyKey(request) }
      return sendStarted(request, reply, await startSubjectRestore(broker, platform, subject, point, restore))
    },
  )

  app.get(`${root}/operations/:operation_id`, { schema: { params: operationParams } }, async ({ params, platform }) => {
    const subject = await findSubject(broker, platform, params.instance_id)
    const { job, state } = await getOperation(broker, platform, subject, params.operation_id)
    return omitUndefined({
      id: job.id,
      type: job.kind,
      state,
      description: state === 'failed' ? failureOf(job) : undefined,
      created_at: job.startedAt.toISOString(),
      ended_at: job.endedAt?.toISOString(),
    })
  })

  app.get(`${root}/schedule`, { schema: { params: instanceParams } }, async ({ params, platform }) => {
    const subject = await findSubject(broker, platform, params.instance_id)
    return scheduleToWire(await getSubjectPlan(broker, subject, undefined))
  })

  app.put(
    `${root}/schedule`,
    { schema: { params: instanceParams, body: scheduleBody } },
    async ({ params, platform, body }) => {
      const subject = await findSubject(broker, platform, params.instance_id)
      return scheduleToWire(await changeSchedule(broker, platform, subject, body))
    },
  )
}

function sendStarted({ params }: FastifyRequest, reply: FastifyReply, { id }: Job) {
  const instance = encodeURIComponent((params as { instance_id: string }).instance_id)
  reply.header('Location', `/v2/service_instances/${instance}/extensions/${EXTENSION_PATH}/operations/${id}`)
  return reply.code(202).send({ operation: id })
}

const backupToWire = (point: RestorePoint) =>
  omitUndefined({
    id: point.id,
    item: point.item,
    service_instance: point.instanceId,
    plan_id: point.planId,
    operation: point.jobId,
    created_at: point.takenAt.toISOString(),
    size_bytes: point.sizeBytes,
    sha256: point.sha256,
    encrypted: point.encrypted,
    complete: !point.afterFailure,
    held: point.held,
    deleting: point.removal !== undefined,
  })

const scheduleToWire = (plan: BackupPlan) =>
  omitUndefined({
    cron: plan.frequency,
    timezone: plan.timezone,
    paused: plan.paused,
    next_run_at: plan.nextRunAt?.toISOString(),
  })

function failureOf(job: Job): string {
  if (job.cancelled !== undefined) return `It was cancelled by ${job.cancelled.by}.`
  const failed = job.parts.filter(({ status }) => status !== 'SUCCEEDED')
  const reasons = failed.map((part) => {
    const reason = part.error ?? ('agentStatus' in part ? part.agentStatus?.error_message : undefined) ?? 'failed'
    return `${part.item}: ${reason}`
  })
  return reasons.join('; ').slice(0, 2000)
}
