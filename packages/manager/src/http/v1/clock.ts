import { type Clock, clockSchema } from '@osb-backup/protocol/v1'
import { type ClockState, confirmClock, readClockState } from '../../clock/service.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'

/** PostgreSQL's clock: shown, and confirmed after it was set. */
export function clockRoutes(app: App, context: Context): void {
  app.get(
    '/v1/clock',
    {
      config: { access: 'viewer' },
      schema: { summary: "Show PostgreSQL's clock, and whether it stops deletions", response: { 200: clockSchema } },
    },
    async () => toWire(await readClockState(context)),
  )

  app.post(
    '/v1/clock/confirm',
    {
      config: { access: 'admin' },
      schema: {
        summary: "Confirm that PostgreSQL's clock is right after it was set: deletions continue",
        response: { 200: clockSchema },
      },
    },
    async (request) => toWire(await confirmClock(context, request.call)),
  )
}

const toWire = ({ now, jump }: ClockState): Clock => ({ now: now.toISOString(), jump: jump && jumpToWire(jump) })

/** A jump on the wire, also of the overview. */
export const jumpToWire = ({ detectedAt, jumpSeconds }: NonNullable<ClockState['jump']>) => ({
  detectedAt: detectedAt.toISOString(),
  jumpSeconds,
})
