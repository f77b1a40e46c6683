import {
  jobSchema,
  listOf,
  restorePointDeleteQuerySchema,
  restorePointQuerySchema,
  restorePointSchema,
  restoreRequestSchema,
  verifyQuerySchema,
  type RestorePoint as WirePoint,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { startRestore } from '../../jobs/start-restore.ts'
import { forgetPoint } from '../../removals/forget-point.ts'
import { removeFiles, undeletePoint } from '../../removals/service.ts'
import { objectNameOf, type RestorePoint } from '../../restore-points/restore-point.ts'
import { getPoint, searchPoints, setHeld } from '../../restore-points/service.ts'
import { confirmPoint } from '../../retention/confirm-point.ts'
import { startVerification } from '../../verification/service.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { jobToWire, sendStartedJob } from './job-codec.ts'
import { keysetOf, toDate, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** Restore points: listed, held, verified, restored and deleted. */
export function restorePointRoutes(app: App, context: Context): void {
  app.get(
    '/v1/restore-points',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: {
        summary: 'List restore points',
        querystring: restorePointQuerySchema,
        response: { 200: listOf(restorePointSchema) },
      },
    },
    async (request) => {
      const { instance, plan, item, job, destination, state, since, until, q, ...query } = request.query
      const { held, suspicious, deleting, ...paging } = query
      const search = {
        instanceId: instance,
        planId: plan,
        item,
        jobId: job,
        destinationId: destination,
        verified: state,
        held: held && held === 'true',
        suspicious: suspicious && suspicious === 'true',
        deleting: deleting && deleting === 'true',
        since: toDate(since),
        until: toDate(until),
        text: q,
      }
      return toList(await searchPoints(context, request.call, search, keysetOf(paging)), toWire)
    },
  )

  app.get(
    '/v1/restore-points/:id',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: { summary: 'Show a restore point', params, response: { 200: restorePointSchema } },
    },
    async (request) => toWire(await getPoint(context, request.call, request.params.id)),
  )

  app.post(
    '/v1/restore-points/:id/restore',
    {
      config: { access: 'operator', brokers: 'registering' },
      schema: {
        summary: 'Start a restore job from a restore point',
        headers: idempotencyKeyHeader,
        params,
        body: restoreRequestSchema,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const call = request.call
      const point = await getPoint(context, call, request.params.id)
      const {
        instanceId = point.instanceId,
        database = point.item,
        privateKey,
        parameters,
        cancelBackups,
      } = request.body
      const items = [{ point, database }] as const
      const restore = { instanceId, items, privateKey, parameters, cancelBackups }
      const job = await startRestore(context, call, restore, parseIdempotencyKey(request))
      return sendStartedJob(reply, job).send(jobToWire(job))
    },
  )

  app.post(
    '/v1/restore-points/:id/verify',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a verify job: reads the object back and compares size and digests',
        headers: idempotencyKeyHeader,
        params,
        querystring: verifyQuerySchema,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const key = parseIdempotencyKey(request)
      const verification = { pointId: request.params.id, samplePercent: request.query.sample }
      const job = await startVerification(context, request.call, verification, key)
      return sendStartedJob(reply, job).send(jobToWire(job))
    },
  )

  for (const { action, held, summary } of [
    { action: 'hold', held: true, summary: 'Hold a restore point: it is neither expired nor deleted' },
    { action: 'release', held: false, summary: 'Release a restore point that is held' },
  ]) {
    app.post(
      `/v1/restore-points/:id/${action}`,
      { config: { access: 'operator' }, schema: { summary, params, response: { 200: restorePointSchema } } },
      async (request) => toWire(await setHeld(context, request.call, request.params.id, held)),
    )
  }

  app.post(
    '/v1/restore-points/:id/confirm',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Confirm that the size of a suspicious restore point is right: it counts as a backup from now on',
        params,
        response: { 200: restorePointSchema },
      },
    },
    async (request) => toWire(await confirmPoint(context, request.call, request.params.id)),
  )

  app.post(
    '/v1/restore-points/:id/undelete',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Undelete a restore point within the grace period of its deletion',
        params,
        response: { 200: restorePointSchema },
      },
    },
    async (request) => toWire(await undeletePoint(context, request.call, request.params.id)),
  )

  app.delete(
    '/v1/restore-points/:id',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a restore point with its object, once the grace period is over',
        params,
        querystring: restorePointDeleteQuerySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const call = request.call
      const point = await getPoint(context, call, request.params.id)
      await (request.query.force === 'true' ? forgetPoint(context, call, point) : removeFiles(context, call, [point]))
      return reply.code(204).send(null)
    },
  )
}

const reasons = {
  RETENTION: 'retention',
  REQUESTED: 'requested',
  PLAN_DELETED: 'plan-deleted',
  DEPROVISIONED: 'deprovisioned',
} as const

function toWire({ verification, removal, confirmation, ...point }: RestorePoint): WirePoint {
  return {
    id: point.id,
    instanceId: point.instanceId,
    planId: point.planId,
    jobId: point.jobId,
    destinationId: point.destinationId,
    item: point.item,
    objectName: objectNameOf(point),
    takenAt: point.takenAt.toISOString(),
    sizeBytes: point.sizeBytes,
    sha256: point.sha256,
    root: point.root,
    originalSizeBytes: point.originalSizeBytes,
    transformedBy: point.transformedBy,
    compressionRequested: point.compressionRequested,
    compression: point.compression,
    encrypted: point.encrypted,
    recipients: point.recipients,
    warnings: [...point.warnings],
    afterFailure: point.afterFailure,
    held: point.held,
    suspicious: point.suspicious,
    usualSizeBytes: point.usualSizeBytes,
    confirmation: confirmation && { confirmedAt: confirmation.at.toISOString(), confirmedBy: confirmation.by },
    verification: verification && { state: verification.state, verifiedAt: verification.at.toISOString() },
    deletion: removal && {
      requestedAt: removal.requestedAt.toISOString(),
      reason: reasons[removal.reason],
      attempts: removal.attempts,
      nextAttemptAt: removal.nextAttemptAt.toISOString(),
      error: removal.error,
      lockedUntil: removal.lockedUntil?.toISOString(),
    },
  }
}
