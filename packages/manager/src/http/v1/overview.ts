import { type Overview, overviewSchema } from '@osb-backup/protocol/v1'
import type { Context } from '../../context/context.ts'
import { readOverview } from '../../overview/service.ts'
import { shareCalls } from '../../shared/share-calls.ts'
import type { App } from '../typed-app.ts'
import { jumpToWire } from './clock.ts'

/** What the caller may see, in numbers. */
export function overviewRoutes(app: App, context: Context): void {
  const share = shareCalls<Awaited<ReturnType<typeof readOverview>>>()
  app.get(
    '/v1/overview',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'Get counts over everything that you may see, and what needs attention',
        response: { 200: overviewSchema },
      },
    },
    async (request): Promise<Overview> => {
      const scope = await request.call.caller.grants()
      const { at, attention, instances, drills, nextRuns, lockedDatabases, clockJump, storage, ...rest } = await share(
        JSON.stringify(scope),
        () => readOverview(context, scope),
      )
      const { 'at-risk': atRisk, ...states } = instances
      return {
        ...rest,
        instances: { ...states, atRisk },
        drills: { ...drills, earliestProofAt: drills.earliestProofAt?.toISOString() },
        storage: {
          ...storage,
          days: storage.days.map(({ day, value: storedBytes }) => ({ day, storedBytes })),
        },
        lockedDatabases: lockedDatabases.map(({ since, ...each }) => ({ ...each, lockedSince: since.toISOString() })),
        nextRuns: nextRuns.map(({ runAt, ...each }) => ({ ...each, runAt: runAt.toISOString() })),
        attention: attention.map(({ instanceId, item, planIds, protection }) => ({
          instanceId,
          item,
          planIds,
          state: protection.state,
          reason: protection.reason,
        })),
        clockJump: clockJump && jumpToWire(clockJump),
        at: at.toISOString(),
      }
    },
  )
}
