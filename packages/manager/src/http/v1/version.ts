import { VERSION } from '@osb-backup/node'
import { versionSchema } from '@osb-backup/protocol/v1'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'

/** The version of the manager. */
export function versionRoutes(app: App, { clock }: Pick<Context, 'clock'>): void {
  app.get(
    '/v1/version',
    {
      config: { access: 'open' },
      schema: { summary: 'Show the version of the manager', response: { 200: versionSchema } },
    },
    async () => ({
      version: VERSION,
      clockSkewSeconds: clock.skewMs === undefined ? undefined : Math.round(clock.skewMs / 1000),
      clockSkewed: clock.isSkewed,
      apiVersions: ['v1'],
    }),
  )
}
