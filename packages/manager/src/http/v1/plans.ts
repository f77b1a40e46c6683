import {
  drillRequestSchema,
  jobSchema,
  listOf,
  planCreateSchema,
  planDeleteQuerySchema,
  planPatchSchema,
  planQuerySchema,
  planRunQuerySchema,
  planRunRequestSchema,
  planRunSchema,
  planSchema,
  planSettingsSchema,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { startDrill } from '../../drills/start-drill.ts'
import { attemptsOfRuns } from '../../jobs/service.ts'
import { startBackup } from '../../jobs/start-backup.ts'
import { deletePlan } from '../../lifecycle/delete-plan.ts'
import { createPlan, getPlan, searchPlanRuns, searchPlans, updatePlan } from '../../plans/service.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { patched } from './edits.ts'
import { jobToWire, sendStartedJob } from './job-codec.ts'
import { keysetOf, toDate, toList } from './lists.ts'
import { idParams as params } from './params.ts'
import { beforePatch, outcomesFromWire, planFromWire, planRunToWire, planToWire, settingsOfPlan } from './plan-codec.ts'

/** Backup plans: created, changed, run and deleted. */
export function planRoutes(app: App, context: Context): void {
  app.get(
    '/v1/plans',
    {
      config: { access: 'viewer' },
      schema: { summary: 'List backup plans', querystring: planQuerySchema, response: { 200: listOf(planSchema) } },
    },
    async (request) => {
      const { instance, item, destination, paused, q, ...paging } = request.query
      const filter = { item, destinationId: destination, paused: paused && paused === 'true', text: q }
      const page = await searchPlans(context, request.call, { instanceId: instance, ...filter }, keysetOf(paging))
      return toList(page, planToWire)
    },
  )

  app.get(
    '/v1/plans/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a backup plan', params, response: { 200: planSchema } },
    },
    async (request, reply) => {
      const plan = await getPlan(context, request.call, request.params.id)
      sendVersion(reply, plan.version)
      return planToWire(plan)
    },
  )

  app.post(
    '/v1/plans',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Create a backup plan',
        headers: idempotencyKeyHeader,
        body: planCreateSchema,
        response: { 201: planSchema },
      },
    },
    async (request, reply) => {
      const { instanceId, ...settings } = request.body
      const wanted = { instanceId, ...planFromWire(settings) }
      const plan = await createPlan(context, request.call, wanted, parseIdempotencyKey(request))
      sendVersion(reply, plan.version)
      return reply.code(201).header('Location', `/v1/plans/${plan.id}`).send(planToWire(plan))
    },
  )

  app.patch(
    '/v1/plans/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change a backup plan',
        headers: ifMatchHeader,
        params,
        body: planPatchSchema,
        response: { 200: planSchema },
      },
    },
    async (request, reply) => {
      const call = request.call
      const edited = editedVersion(request)
      const stored = await getPlan(context, call, request.params.id)
      const before = beforePatch(settingsOfPlan(stored), request.body)
      const settings = patched(planSettingsSchema, before, request.body)
      const plan = await updatePlan(context, call, { ...stored, ...planFromWire(settings) }, edited ?? stored.version)
      sendVersion(reply, plan.version)
      return planToWire(plan)
    },
  )

  app.delete(
    '/v1/plans/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a backup plan; its stored objects are kept unless you request their deletion',
        params,
        querystring: planDeleteQuerySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deletePlan(context, request.call, request.params.id, request.query.files ?? 'keep')
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/v1/plans/:id/run',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a backup job of a plan now',
        headers: idempotencyKeyHeader,
        params,
        body: planRunRequestSchema,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const call = request.call
      const plan = await getPlan(context, call, request.params.id)
      const options = { key: parseIdempotencyKey(request), wait: request.body?.wait ?? false }
      const job = await startBackup(context, call, plan, options)
      return sendStartedJob(reply, job).send(jobToWire(job))
    },
  )

  app.post(
    '/v1/plans/:id/drill',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a drill of a plan now: restore its items into the drill target, check them, and clean up',
        headers: idempotencyKeyHeader,
        params,
        body: drillRequestSchema,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const { call, body = {} } = request
      const plan = await getPlan(context, call, request.params.id)
      const job = await startDrill(context, call, plan, body, parseIdempotencyKey(request))
      return sendStartedJob(reply, job).send(jobToWire(job))
    },
  )

  app.get(
    '/v1/plans/:id/runs',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the scheduled runs of a plan: started, skipped or missed',
        params,
        querystring: planRunQuerySchema,
        response: { 200: listOf(planRunSchema) },
      },
    },
    async (request) => {
      const { outcome, since, until, ...paging } = request.query
      const filter = { outcome: outcome && outcomesFromWire[outcome], since: toDate(since), until: toDate(until) }
      const search = { planId: request.params.id, ...filter }
      const page = await searchPlanRuns(context, request.call, search, keysetOf(paging))
      const started = page.entries.filter((run) => run.outcome === 'STARTED')
      const attemptsOf = await attemptsOfRuns(
        context,
        started.flatMap((run) => run.jobId ?? []),
      )
      return toList(page, (run) => planRunToWire(run, attemptsOf))
    },
  )
}
