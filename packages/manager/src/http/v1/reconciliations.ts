import {
  reconcileSchema,
  reconciliationSchema,
  type Reconciliation as WireReconciliation,
} from '@osb-backup/protocol/v1'
import type { FastifyReply } from 'fastify'
import type { Context } from '../../context/context.ts'
import type { Reconciliation, ReconciliationRun } from '../../reconciliation/reconciliation.ts'
import { cancelReconciliation, getReconciliation, requestReconciliation } from '../../reconciliation/runs.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { idParams as params } from './params.ts'

/** Reconciliations of destinations: started, shown and cancelled. */
export function reconciliationRoutes(app: App, context: Context): void {
  app.post(
    '/v1/destinations/:id/reconcile',
    {
      config: { access: 'operator' },
      schema: {
        summary:
          'Start comparing the objects of a destination with its restore points; removes or adopts orphans only if requested',
        headers: idempotencyKeyHeader,
        params,
        body: reconcileSchema,
        response: { 202: reconciliationSchema },
      },
    },
    async (request, reply) => {
      const { remove = false, adopt = false, olderThanSeconds } = request.body
      const options = { remove, adopt, olderThanSeconds }
      const key = parseIdempotencyKey(request)
      const run = await requestReconciliation(context, request.call, request.params.id, options, key)
      return sendStarted(reply, run).send(toWire(run))
    },
  )

  app.get(
    '/v1/reconciliations/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a reconciliation', params, response: { 200: reconciliationSchema } },
    },
    async (request) => toWire(await getReconciliation(context, request.call, request.params.id)),
  )

  app.post(
    '/v1/reconciliations/:id/cancel',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Cancel a reconciliation; what it has removed is not restored',
        params,
        response: { 202: reconciliationSchema },
      },
    },
    async (request, reply) => {
      const run = await cancelReconciliation(context, request.call, request.params.id)
      return sendStarted(reply, run).send(toWire(run))
    },
  )
}

const sendStarted = (reply: FastifyReply, { id }: ReconciliationRun) =>
  reply.code(202).header('Location', `/v1/reconciliations/${id}`)

function toWire({ found, beganAt, ...run }: ReconciliationRun): WireReconciliation {
  return {
    ...run,
    createdAt: run.createdAt.toISOString(),
    startedAt: beganAt?.toISOString(),
    endedAt: run.endedAt?.toISOString(),
    findings: found && findingsToWire(found),
  }
}

function findingsToWire(found: Reconciliation): WireReconciliation['findings'] {
  const { orphans, incompleteUploads, brokenPoints, adopted, notAdopted } = found
  return {
    objectCount: found.objects,
    orphans: orphans.listed.map(({ modifiedAt, ...each }) => ({ ...each, modifiedAt: modifiedAt.toISOString() })),
    incompleteUploads: incompleteUploads.listed.map(({ startedAt, ...each }) => ({
      ...each,
      startedAt: startedAt.toISOString(),
    })),
    missing: brokenPoints.listed.map(({ id, name, state }) => ({ restorePointId: id, name, state })),
    adopted: adopted.listed.map(({ id, ...each }) => ({ restorePointId: id, ...each })),
    notAdopted: notAdopted.listed,
    orphanCount: orphans.total,
    incompleteUploadCount: incompleteUploads.total,
    missingCount: brokenPoints.total,
    adoptedCount: adopted.total,
    notAdoptedCount: notAdopted.total,
    hiddenVersionCount: found.hiddenVersions.versions,
    deleteMarkerCount: found.hiddenVersions.deleteMarkers,
    hiddenVersionBytes: found.hiddenVersions.sizeBytes,
    notListed: found.notListed,
  }
}
