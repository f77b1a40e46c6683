import {
  about,
  backupPlanPreviewRequestSchema,
  backupPlanPreviewSchema,
  backupPlanRequestSchema,
  pageSchema,
  planKeysRequestSchema,
  planKeysSchema,
  planRunOutcomes,
  planRunSchema,
  type BackupPlan as WirePlan,
} from '@osb-backup/protocol'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { destinationsById } from '../../destinations/service.ts'
import { instancesById } from '../../instances/service.ts'
import { deletePlan } from '../../lifecycle/delete-plan.ts'
import { deprovisionPlans } from '../../lifecycle/deprovision.ts'
import { registerSentInstance } from '../../migration/register-sent-instance.ts'
import type { BackupPlan } from '../../plans/plan.ts'
import { previewPlan } from '../../plans/preview.ts'
import { createPlan, createPlanKeys, getPlan, listPlanRuns, listPlans, updatePlan } from '../../plans/service.ts'
import { invariant } from '../../shared/invariant.ts'
import { longWorkDeadlineMs } from '../deadlines.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { ifMatchHeader } from '../request-headers.ts'
import { backupPlanSchema } from '../schemas/legacy.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { byInstanceParams, idParams } from './params.ts'
import { planFromWire, planToWire, previewToWire } from './wire/backup-plan.ts'
import { planRunToWire } from './wire/plan-run.ts'

const DEFAULT_PAGE = 50

/** Plans as clients read them, each with its instance and destination. */
async function plansToWire(context: Context, plans: readonly BackupPlan[]): Promise<WirePlan[]> {
  const instanceIds = plans.map((plan) => plan.instanceId)
  const destinationIds = plans.map((plan) => plan.destinationId)
  const instances = await instancesById(context, instanceIds)
  const destinations = await destinationsById(context, destinationIds)
  return plans.map((plan) => {
    const instance = instances.get(plan.instanceId)
    const destination = destinations.get(plan.destinationId)
    invariant(instance && destination, `plan ${plan.id} has an instance and a destination`)
    return planToWire(plan, instance, destination)
  })
}

async function oneToWire(context: Context, plan: BackupPlan): Promise<WirePlan> {
  const [wire] = await plansToWire(context, [plan])
  invariant(wire, 'one plan gives one answer')
  return wire
}

/** Backup plans: created, changed, listed and deleted. */
export function planRoutes(app: App, context: Context): void {
  app.get(
    '/backupPlans/byInstance/:instanceId',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the backup plans of a service instance',
        params: byInstanceParams,
        querystring: pagingQuery,
        response: { 200: pageSchema(backupPlanSchema) },
      },
    },
    async (request) => {
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listPlans(context, request.call, request.params.instanceId, page)
      return toPage(await plansToWire(context, entries), total, page)
    },
  )

  app.get(
    '/backupPlans/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a backup plan', params: idParams, response: { 200: backupPlanSchema } },
    },
    async (request, reply) => {
      const plan = await getPlan(context, request.call, request.params.id)
      sendVersion(reply, plan.version)
      return oneToWire(context, plan)
    },
  )

  app.post(
    '/backupPlans',
    {
      config: { access: 'operator' },
      schema: { summary: 'Create a backup plan', body: backupPlanRequestSchema, response: { 201: backupPlanSchema } },
    },
    async (request, reply) => {
      await registerSentInstance(context, request.call, request.body.serviceInstance)
      const plan = await createPlan(context, request.call, planFromWire(request.body, undefined))
      sendVersion(reply, plan.version)
      return reply.code(201).send(await oneToWire(context, plan))
    },
  )

  app.patch(
    '/backupPlans/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change a backup plan; the whole plan is sent, a masked private key stays as it is',
        headers: ifMatchHeader,
        params: idParams,
        body: backupPlanRequestSchema,
        response: { 200: backupPlanSchema },
      },
    },
    async (request, reply) => {
      const stored = await getPlan(context, request.call, request.params.id)
      const wanted = { ...stored, ...planFromWire(request.body, stored) }
      const plan = await updatePlan(context, request.call, wanted, editedVersion(request))
      sendVersion(reply, plan.version)
      return oneToWire(context, plan)
    },
  )

  app.post(
    '/backupPlans/:id/keys',
    {
      config: { access: 'operator' },
      schema: {
        summary:
          'Create a pair of age keys that a plan encrypts with from now on; only this answer shows the private one',
        params: idParams,
        body: planKeysRequestSchema,
        response: { 201: planKeysSchema },
      },
    },
    async (request, reply) => {
      const kept = request.body.keepPrivateKey
      const { plan, recipient, identity } = await createPlanKeys(context, request.call, request.params.id, kept)
      sendVersion(reply, plan.version)
      return reply.code(201).send({ publicKey: recipient, privateKey: identity, kept })
    },
  )

  app.post(
    '/backupPlans/preview',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Show when a plan would run next and what its retention would keep; nothing is stored or deleted',
        body: backupPlanPreviewRequestSchema,
        response: { 200: backupPlanPreviewSchema },
      },
    },
    async (request) => {
      const { id, serviceInstance, frequency, timezone, retentionStyle, retentionPeriod } = request.body
      const asked = {
        planId: id,
        instanceId: serviceInstance?.service_instance_id,
        frequency,
        timezone,
        retention: { style: retentionStyle, period: retentionPeriod },
      }
      return previewToWire(await previewPlan(context, request.call, asked))
    },
  )

  app.get(
    '/backupPlans/:id/runs',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the scheduled runs of a plan (started, skipped or missed), newest first',
        params: idParams,
        querystring: pagingQuery.extend({
          outcome: z.enum(planRunOutcomes).optional().meta(about('Only runs with this outcome', 'MISSED')),
        }),
        response: { 200: pageSchema(planRunSchema) },
      },
    },
    async (request) => {
      const page = readPaging(request.query, DEFAULT_PAGE)
      const filter = { planId: request.params.id, outcome: request.query.outcome }
      const { entries, total } = await listPlanRuns(context, request.call, filter, page)
      return toPage(entries.map(planRunToWire), total, page)
    },
  )

  app.delete(
    '/backupPlans/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a backup plan; its files stay unless their deletion is requested, held ones always',
        params: idParams,
        querystring: z.object({
          files: z.enum(['keep', 'delete']).default('keep').meta(about('What becomes of its files', 'keep')),
        }),
        response: { 200: backupPlanSchema },
      },
    },
    async (request) => {
      const plan = await deletePlan(context, request.call, request.params.id, request.query.files)
      return oneToWire(context, plan)
    },
  )

  app.delete(
    '/backupPlans/byInstance/:instanceId',
    {
      handlerTimeout: longWorkDeadlineMs(context.settings.deprovisionBackupSeconds),
      config: { access: 'operator', brokers: 'deprovisioning' },
      schema: {
        summary:
          'Delete all backup plans of an instance that is deprovisioned; files stay, unless the operator set otherwise',
        params: byInstanceParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deprovisionPlans(context, request.call, request.params.instanceId)
      return reply.code(204).send(null)
    },
  )
}
