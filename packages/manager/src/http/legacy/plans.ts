import {
  backupPlanRequestSchema,
  backupPlanSchema,
  pageSchema,
  planRunOutcomes,
  planRunSchema,
  type BackupPlan as WirePlan,
} from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { destinationsById, findDestination } from '../../destinations/repository.ts'
import { findInstance, instancesById } from '../../instances/repository.ts'
import { deprovisionPlans } from '../../lifecycle/deprovision.ts'
import { deletePlan } from '../../lifecycle/plans.ts'
import type { BackupPlan } from '../../plans/plan.ts'
import { listPlanRuns } from '../../plans/plan-runs-repository.ts'
import { findPlan, insertPlan, listPlans, updatePlan } from '../../plans/repository.ts'
import { checkPlan } from '../../plans/rules.ts'
import { newIdentifier } from '../../shared/identifier.ts'
import { invariant } from '../../shared/invariant.ts'
import { notFound, RequestError } from '../../shared/request-error.ts'
import { changedMeanwhile, editedVersion, sendVersion } from '../entity-version.ts'
import { ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { planFromWire, planToWire } from './wire/backup-plan.ts'
import { planRunToWire } from './wire/plan-run.ts'

const DEFAULT_PAGE = 50
const params = z.object({ id: z.string().max(100) })
const byInstance = z.object({ instanceId: z.string().max(200) })

/** Backup plans: made, changed, listed and deleted. */
export function planRoutes(app: App, context: Context): void {
  const toWire = async (plans: readonly BackupPlan[]): Promise<WirePlan[]> => {
    const instances = await instancesById(
      context,
      plans.map((plan) => plan.instanceId),
    )
    const destinations = await destinationsById(
      context,
      plans.map((plan) => plan.destinationId),
    )
    return plans.map((plan) => {
      const instance = instances.get(plan.instanceId)
      const destination = destinations.get(plan.destinationId)
      invariant(instance && destination, `plan ${plan.id} has an instance and a destination`)
      return planToWire(plan, instance, destination)
    })
  }
  const oneToWire = async (plan: BackupPlan): Promise<WirePlan> => {
    const [wire] = await toWire([plan])
    invariant(wire, 'one plan makes one answer')
    return wire
  }
  const needPlan = async (request: FastifyRequest, id: string): Promise<BackupPlan> => {
    const plan = await findPlan(context, id)
    if (plan === undefined) throw notFound('backup plan', id)
    await enterInstance(request, plan.instanceId, { what: 'backup plan', id })
    return plan
  }
  const checkDestination = async (plan: BackupPlan): Promise<void> => {
    const destination = await findDestination(context, plan.destinationId)
    if (destination?.instanceId === plan.instanceId) return
    throw new RequestError(
      'invalid',
      `The service instance has no file destination ${JSON.stringify(plan.destinationId)}.`,
      {
        field: 'fileDestination.id',
      },
    )
  }

  app.get(
    '/backupPlans/byInstance/:instanceId',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the backup plans of a service instance',
        params: byInstance,
        querystring: pagingQuery,
        response: { 200: pageSchema(backupPlanSchema) },
      },
    },
    async (request) => {
      await enterInstance(request, request.params.instanceId)
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listPlans(context, request.params.instanceId, page)
      return toPage(await toWire(entries), total, page)
    },
  )

  app.get(
    '/backupPlans/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a backup plan', params, response: { 200: backupPlanSchema } },
    },
    async (request, reply) => {
      const plan = await needPlan(request, request.params.id)
      sendVersion(reply, plan.version)
      return oneToWire(plan)
    },
  )

  app.post(
    '/backupPlans',
    {
      config: { access: 'operator' },
      schema: { summary: 'Make a backup plan', body: backupPlanRequestSchema, response: { 201: backupPlanSchema } },
    },
    async (request, reply) => {
      const plan = planFromWire(newIdentifier(context.now()), request.body, undefined)
      const isGranted = await request.caller.isGranted(plan.instanceId, 'change')
      if (!isGranted || (await findInstance(context, plan.instanceId)) === undefined) {
        throw new RequestError('invalid', `There is no service instance ${JSON.stringify(plan.instanceId)}.`, {
          field: 'serviceInstance.service_instance_id',
        })
      }
      request.auditedInstanceId = plan.instanceId
      await checkDestination(plan)
      checkPlan(plan, context)
      await insertPlan(context, plan)
      sendVersion(reply, 1)
      return reply.code(201).send(await oneToWire(await needPlan(request, plan.id)))
    },
  )

  app.patch(
    '/backupPlans/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change a backup plan; the whole plan is sent, a masked private key stays as it is',
        headers: ifMatchHeader,
        params,
        body: backupPlanRequestSchema,
        response: { 200: backupPlanSchema },
      },
    },
    async (request, reply) => {
      const stored = await needPlan(request, request.params.id)
      const plan = planFromWire(stored.id, request.body, stored)
      await checkDestination(plan)
      checkPlan(plan, context, stored)
      const version = await updatePlan(context, plan, editedVersion(request))
      if (version === undefined) throw changedMeanwhile()
      sendVersion(reply, version)
      return oneToWire(await needPlan(request, plan.id))
    },
  )

  app.get(
    '/backupPlans/:id/runs',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List what became of the scheduled runs of a plan: started, skipped or missed; newest first',
        params,
        querystring: pagingQuery.extend({ outcome: z.enum(planRunOutcomes).optional() }),
        response: { 200: pageSchema(planRunSchema) },
      },
    },
    async (request) => {
      const { id } = await needPlan(request, request.params.id)
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listPlanRuns(context, { planId: id, outcome: request.query.outcome }, page)
      return toPage(entries.map(planRunToWire), total, page)
    },
  )

  app.delete(
    '/backupPlans/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a backup plan; its files stay, unless asked for, and those that are held always',
        params,
        querystring: z.object({ files: z.enum(['keep', 'delete']).default('keep') }),
        response: { 200: backupPlanSchema },
      },
    },
    async (request) => {
      const plan = await needPlan(request, request.params.id)
      const answer = await oneToWire(plan)
      await deletePlan(context, plan.id, request.query.files)
      return answer
    },
  )

  app.delete(
    '/backupPlans/byInstance/:instanceId',
    {
      config: { access: 'operator', brokers: true },
      schema: {
        summary:
          'Delete all backup plans of an instance that is deprovisioned; files stay, unless the operator set otherwise',
        params: byInstance,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await enterInstance(request, request.params.instanceId)
      await deprovisionPlans(context, request.params.instanceId)
      return reply.code(204).send(null)
    },
  )
}
