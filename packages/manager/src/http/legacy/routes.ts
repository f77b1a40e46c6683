import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { accessRoutes } from './access.ts'
import { auditRoutes } from './audit.ts'
import { destinationRoutes } from './destinations.ts'
import { eventRoutes } from './events.ts'
import { instanceRoutes } from './instances.ts'
import { jobRoutes } from './jobs.ts'
import { planRoutes } from './plans.ts'
import { reconcileRoutes } from './reconcile.ts'
import { restorePointRoutes } from './restore-points.ts'

/** The paths and shapes of the first API, for existing clients. They get no new features. */
export function legacyRoutes(app: App, context: Context): void {
  for (const add of [
    instanceRoutes,
    destinationRoutes,
    planRoutes,
    jobRoutes,
    restorePointRoutes,
    reconcileRoutes,
    accessRoutes,
    auditRoutes,
    eventRoutes,
  ])
    add(app, context)
}
