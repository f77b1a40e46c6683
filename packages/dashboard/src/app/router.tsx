import { jobKinds, jobStates, protectionStates } from '@osb-backup/protocol/v1'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { z } from 'zod'
import { OverviewPage } from '../pages/overview/overview-page.tsx'
import { CrashPage, NotFoundPage } from './problem-pages.tsx'
import { Shell } from './shell.tsx'

/** A filter of the URL; one that is no value of it counts as none, as after a manual edit. */
const text = z.string().min(1).max(200).optional().catch(undefined)
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values).optional().catch(undefined)

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage })

const overviewRoute = createRoute({ getParentRoute: () => rootRoute, path: '/', component: OverviewPage })

/** The instances, filtered. */
const instancesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances',
  validateSearch: z.object({ q: text, protection: oneOf(protectionStates), agent: text }),
  component: lazyRouteComponent(() => import('../pages/instances/instances-page.tsx'), 'InstancesPage'),
})

const instanceTabs = ['items', 'restore-points', 'jobs'] as const

/** One instance. */
const instanceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances/$instanceId',
  validateSearch: z.object({ tab: oneOf(instanceTabs) }),
  component: lazyRouteComponent(() => import('../pages/instances/instance-page.tsx'), 'InstancePage'),
})

/** The plans, filtered. */
const plansRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/plans',
  validateSearch: z.object({ q: text, instance: text, paused: oneOf(['true', 'false']) }),
  component: lazyRouteComponent(() => import('../pages/plans/plans-page.tsx'), 'PlansPage'),
})

/** A plan that is created. */
const newPlanRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/plans/new',
  validateSearch: z.object({ instance: text }),
  component: lazyRouteComponent(() => import('../pages/plans/plan-page.tsx'), 'NewPlanPage'),
})

/** One plan. */
const planRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/plans/$planId',
  component: lazyRouteComponent(() => import('../pages/plans/plan-page.tsx'), 'PlanPage'),
})

/** The jobs, filtered. */
const jobsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/jobs',
  validateSearch: z.object({ q: text, kind: oneOf(jobKinds), state: oneOf(jobStates), instance: text, plan: text }),
  component: lazyRouteComponent(() => import('../pages/jobs/jobs-page.tsx'), 'JobsPage'),
})

/** One job. */
const jobRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/jobs/$jobId',
  component: lazyRouteComponent(() => import('../pages/jobs/job-page.tsx'), 'JobPage'),
})

/** A restore, as far as it was chosen. */
const restoreRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/restore',
  validateSearch: z.object({ instance: text, item: text, point: text }),
  component: lazyRouteComponent(() => import('../pages/restore/restore-page.tsx'), 'RestorePage'),
})

/** Every page has a URL, its filters included. The manager serves the dashboard at these paths (http/dashboard.ts). */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    overviewRoute,
    instancesRoute,
    instanceRoute,
    plansRoute,
    newPlanRoute,
    planRoute,
    jobsRoute,
    jobRoute,
    restoreRoute,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: CrashPage,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
