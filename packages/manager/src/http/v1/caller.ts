import { type CallerInfo, callerSchema } from '@osb-backup/protocol/v1'
import { hasPermission } from '../../access/caller.ts'
import type { Context } from '../../context/context.ts'
import { readClock } from '../../database/clock.ts'
import { permissions } from '../../shared/role.ts'
import type { App } from '../typed-app.ts'

/** Who calls: what clients show of the session, and which actions they offer. */
export function callerRoutes(app: App, context: Context): void {
  app.get(
    '/v1/caller',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show who you are to the manager, and what you may do', response: { 200: callerSchema } },
    },
    async ({ call: { caller } }): Promise<CallerInfo> => {
      const grants = await caller.grants()
      const { validForMs } = caller
      return {
        kind: caller.kind === 'user' ? 'user' : 'token',
        id: caller.id,
        name: caller.name,
        role: caller.role,
        permissions: permissions.filter((permission) => hasPermission(caller, permission)),
        instances: grants === 'all' ? grants : [...grants],
        ...(validForMs === undefined
          ? {}
          : { expiresAt: new Date((await readClock(context)).getTime() + validForMs).toISOString() }),
      }
    },
  )
}
