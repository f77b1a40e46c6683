import {
  listOf,
  policyAssignmentQuerySchema,
  policyAssignmentSchema,
  policyDeleteQuerySchema,
  policyPreviewSchema,
  policyQuerySchema,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { requireAllInstances } from '../../access/limits.ts'
import type { Context } from '../../context/context.ts'
import { searchAssignments } from '../../policies/assignments.ts'
import type { Policy } from '../../policies/policy.ts'
import {
  createPolicy,
  deletePolicy,
  getPolicy,
  getPolicyToChange,
  previewNewPolicy,
  previewPolicyChange,
  searchPolicies,
  updatePolicy,
} from '../../policies/service.ts'
import { changedMeanwhile } from '../../shared/request-error.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import { policyChangePreviewSchema, policyCreateSchema, policyPatchSchema, policySchema } from '../schemas/v1.ts'
import type { App } from '../typed-app.ts'
import { patched } from './edits.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'
import { assignmentToWire, policyFromWire, policyToWire, previewToWire, settingsOfPolicy } from './policy-codec.ts'

const path = '/v1/policies'

/** Policies: created, changed, previewed and deleted, and what instances follow. */
export function policyRoutes(app: App, context: Context): void {
  app.get(
    path,
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List policies: all, or those that select a service instance that you were granted',
        querystring: policyQuerySchema,
        response: { 200: listOf(policySchema) },
      },
    },
    async (request) => {
      const { q, ...paging } = request.query
      return toList(await searchPolicies(context, request.call, q, keysetOf(paging)), policyToWire)
    },
  )

  app.get(
    `${path}/:id`,
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a policy', params, response: { 200: policySchema } },
    },
    async (request, reply) => {
      const policy = await getPolicy(context, request.call, request.params.id)
      sendVersion(reply, policy.version)
      return policyToWire(policy)
    },
  )

  app.post(
    path,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Create a policy; it is applied to the service instances that it selects within a minute',
        headers: idempotencyKeyHeader,
        body: policyCreateSchema,
        response: { 201: policySchema },
      },
    },
    async (request, reply) => {
      await requireAllInstances(request.call)
      const wanted = await policyFromWire(request.body)
      const policy = await createPolicy(context, request.call, wanted, parseIdempotencyKey(request))
      sendVersion(reply, policy.version)
      return reply.code(201).header('Location', `${path}/${policy.id}`).send(policyToWire(policy))
    },
  )

  app.patch(
    `${path}/:id`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change a policy, and with it the plans that it maintains',
        headers: ifMatchHeader,
        params,
        body: policyPatchSchema,
        response: { 200: policySchema },
      },
    },
    async (request, reply) => {
      const stored = await getPolicyToChange(context, request.call, request.params.id)
      const edited = editedVersion(request)
      if (edited !== undefined && edited !== stored.version) throw changedMeanwhile()
      const policy = await updatePolicy(context, request.call, await changed(stored, request.body), stored)
      sendVersion(reply, policy.version)
      return policyToWire(policy)
    },
  )

  app.delete(
    `${path}/:id`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a policy; restore points are kept, and so are its plans unless you request otherwise',
        params,
        querystring: policyDeleteQuerySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deletePolicy(context, request.call, request.params.id, request.query.plans ?? 'keep')
      return reply.code(204).send(null)
    },
  )

  app.post(
    `${path}/preview`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Preview a new policy: which service instances get or change plans, and what retention would delete',
        body: policyCreateSchema,
        response: { 200: policyPreviewSchema },
      },
    },
    async (request) => {
      await requireAllInstances(request.call)
      return previewToWire(await previewNewPolicy(context, request.call, await policyFromWire(request.body)))
    },
  )

  app.post(
    `${path}/:id/preview`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Preview a change of a policy, or its removal; nothing is stored or deleted',
        params,
        body: policyChangePreviewSchema,
        response: { 200: policyPreviewSchema },
      },
    },
    async (request) => {
      const { change = {}, remove = false } = request.body
      const stored = await getPolicyToChange(context, request.call, request.params.id)
      const wanted = remove ? undefined : await changed(stored, change)
      return previewToWire(await previewPolicyChange(context, request.call, stored, wanted))
    },
  )

  app.get(
    '/v1/policy-assignments',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List service instances by id, with the policy that each follows and its plans below a floor',
        querystring: policyAssignmentQuerySchema,
        response: { 200: listOf(policyAssignmentSchema) },
      },
    },
    async (request) => {
      const { instance, policy, state, ...paging } = request.query
      const search = { instanceId: instance, policyId: policy, state }
      return toList(await searchAssignments(context, request.call, search, keysetOf(paging)), assignmentToWire)
    },
  )
}

/** What a merge patch makes of a policy. */
async function changed(stored: Policy, patch: z.infer<typeof policyPatchSchema>): Promise<Policy> {
  const settings = patched(policyCreateSchema, settingsOfPolicy(stored, patch), patch)
  return { ...stored, ...(await policyFromWire(settings, stored)) }
}
