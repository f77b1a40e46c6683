import { planKeysRequestSchema, planKeysSchema } from '@osb-backup/protocol'
import { generateAgeKeys } from '@osb-backup/storage'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { findPlan, updatePlan } from '../../plans/repository.ts'
import { notFound } from '../../shared/request-error.ts'
import { changedMeanwhile, sendVersion } from '../entity-version.ts'
import type { App } from '../typed-app.ts'

/** Keys of plans, made by the manager. */
export function planKeyRoutes(app: App, context: Context): void {
  app.post(
    '/backupPlans/:id/keys',
    {
      config: { access: 'operator' },
      schema: {
        summary:
          'Make a pair of age keys that a plan encrypts with from now on; only this answer shows the private one',
        params: z.object({ id: z.string().max(100) }),
        body: planKeysRequestSchema,
        response: { 201: planKeysSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const plan = await findPlan(context, id)
      if (plan === undefined) throw notFound('backup plan', id)
      await enterInstance(request, plan.instanceId, { what: 'backup plan', id })
      const { recipient, identity } = await generateAgeKeys()
      const kept = request.body.keepPrivateKey
      // Keys that are kept already stay: what was encrypted so far opens with them alone.
      const privateKey = kept ? [identity, plan.privateKey].filter(Boolean).join(',') : plan.privateKey
      const version = await updatePlan(context, { ...plan, publicKey: recipient, privateKey }, plan.version)
      if (version === undefined) throw changedMeanwhile()
      sendVersion(reply, version)
      return reply.code(201).send({ publicKey: recipient, privateKey: identity, kept })
    },
  )
}
