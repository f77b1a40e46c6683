import {
  agentStates,
  alarmKinds,
  alarmSeverities,
  deliveryStates,
  jobKinds,
  jobStates,
  protectionStates,
  storeKinds,
  verificationStates,
} from '@osb-backup/protocol/v1'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { z } from 'zod'
import { OverviewPage } from '../pages/overview/overview-page.tsx'
import { CrashPage, NotFoundPage } from './problem-pages.tsx'
import { day, flag, oneOf, plainSearch, text } from './search.ts'
import { Shell } from './shell.tsx'

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage })

const overviewRoute = createRoute({ getParentRoute: () => rootRoute, path: '/', component: OverviewPage })

/** The instances, filtered. */
const instancesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances',
  validateSearch: z.object({ q: text, protection: oneOf(protectionStates), agent: text }),
  component: lazyRouteComponent(() => import('../pages/instances/instances-page.tsx'), 'InstancesPage'),
})

/** An instance that is registered. */
const newInstanceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances/new',
  validateSearch: z.object({ agent: text }),
  component: lazyRouteComponent(() => import('../pages/instances/new-instance-page.tsx'), 'NewInstancePage'),
})

/** One instance. */
const instanceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances/$instanceId',
  validateSearch: z.object({ tab: oneOf(['items', 'restore-points', 'jobs']), day }),
  component: lazyRouteComponent(() => import('../pages/instances/instance-page.tsx'), 'InstancePage'),
})

/** An instance that is changed. */
const instanceSettingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances/$instanceId/settings',
  component: lazyRouteComponent(() => import('../pages/instances/instance-settings-page.tsx'), 'InstanceSettingsPage'),
})

/** The plans, filtered. */
const plansRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/plans',
  validateSearch: z.object({ q: text, instance: text, paused: flag }),
  component: lazyRouteComponent(() => import('../pages/plans/plans-page.tsx'), 'PlansPage'),
})

/** A plan that is created. */
const newPlanRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/plans/new',
  validateSearch: z.object({ instance: text, destination: text }),
  component: lazyRouteComponent(() => import('../pages/plans/plan-page.tsx'), 'NewPlanPage'),
})

/** One plan. */
const planRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/plans/$planId',
  component: lazyRouteComponent(() => import('../pages/plans/plan-page.tsx'), 'PlanPage'),
})

/** The policies. */
const policiesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/policies',
  validateSearch: z.object({ q: text }),
  component: lazyRouteComponent(() => import('../pages/policies/policies-page.tsx'), 'PoliciesPage'),
})

/** A policy that is created. */
const newPolicyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/policies/new',
  component: lazyRouteComponent(() => import('../pages/policies/policy-page.tsx'), 'NewPolicyPage'),
})

/** The service instances that are unprotected on purpose. */
const exemptionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/policies/exemptions',
  validateSearch: z.object({ q: text, instance: text }),
  component: lazyRouteComponent(() => import('../pages/policies/exemptions-page.tsx'), 'ExemptionsPage'),
})

/** One policy. */
const policyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/policies/$policyId',
  component: lazyRouteComponent(() => import('../pages/policies/policy-page.tsx'), 'PolicyPage'),
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
  validateSearch: z.object({ log: text }),
  component: lazyRouteComponent(() => import('../pages/jobs/job-page.tsx'), 'JobPage'),
})

/** A restore, as far as it was chosen. */
const restoreRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/restore',
  validateSearch: z.object({ instance: text, item: text, day, point: text }),
  component: lazyRouteComponent(() => import('../pages/restore/restore-page.tsx'), 'RestorePage'),
})

/** The alarms, filtered: the open ones, unless the filter says otherwise. */
const alarmsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/alarms',
  validateSearch: z.object({
    q: text,
    state: oneOf(['resolved', 'all']),
    severity: oneOf(alarmSeverities),
    kind: oneOf(alarmKinds),
    acknowledged: flag,
    instance: text,
  }),
  component: lazyRouteComponent(() => import('../pages/alarms/alarms-page.tsx'), 'AlarmsPage'),
})

/** The notification channels. */
const channelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/notifications',
  validateSearch: z.object({ q: text }),
  component: lazyRouteComponent(() => import('../pages/notifications/channels-page.tsx'), 'ChannelsPage'),
})

/** What was delivered, and what was not. */
const deliveriesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/notifications/log',
  validateSearch: z.object({ channel: text, alarm: text, state: oneOf(deliveryStates) }),
  component: lazyRouteComponent(() => import('../pages/notifications/deliveries-page.tsx'), 'DeliveriesPage'),
})

/** A channel that is created. */
const newChannelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/notifications/new',
  component: lazyRouteComponent(() => import('../pages/notifications/channel-page.tsx'), 'NewChannelPage'),
})

/** One channel. */
const channelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/notifications/$channelId',
  component: lazyRouteComponent(() => import('../pages/notifications/channel-page.tsx'), 'ChannelPage'),
})

/** Tokens and broker accounts. */
const accessRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/access',
  validateSearch: z.object({ tab: oneOf(['tokens', 'broker-accounts']), q: text }),
  component: lazyRouteComponent(() => import('../pages/access/access-page.tsx'), 'AccessPage'),
})

/** A token that is created. */
const newTokenRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/access/tokens/new',
  component: lazyRouteComponent(() => import('../pages/access/new-token-page.tsx'), 'NewTokenPage'),
})

/** A broker account that is created. */
const newAccountRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/access/broker-accounts/new',
  component: lazyRouteComponent(() => import('../pages/access/broker-account-page.tsx'), 'NewBrokerAccountPage'),
})

/** One broker account. */
const accountRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/access/broker-accounts/$name',
  component: lazyRouteComponent(() => import('../pages/access/broker-account-page.tsx'), 'BrokerAccountPage'),
})

/** The audit log, filtered. */
const auditRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/audit-log',
  validateSearch: z.object({ q: text, instance: text, from: day, to: day }),
  component: lazyRouteComponent(() => import('../pages/audit/audit-page.tsx'), 'AuditPage'),
})

/** The installation. */
const aboutRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/about',
  component: lazyRouteComponent(() => import('../pages/about/about-page.tsx'), 'AboutPage'),
})

/** The restore points, filtered. */
const restorePointsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/restore-points',
  validateSearch: z.object({
    q: text,
    instance: text,
    item: text,
    plan: text,
    destination: text,
    job: text,
    state: oneOf(verificationStates),
    held: flag,
    suspicious: flag,
    deleting: flag,
    day,
  }),
  component: lazyRouteComponent(() => import('../pages/restore-points/restore-points-page.tsx'), 'RestorePointsPage'),
})

/** One restore point. */
const restorePointRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/restore-points/$pointId',
  component: lazyRouteComponent(() => import('../pages/restore-points/restore-point-page.tsx'), 'RestorePointPage'),
})

/** The destinations, filtered. */
const destinationsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/destinations',
  validateSearch: z.object({ q: text, instance: text, kind: oneOf(storeKinds), retired: flag }),
  component: lazyRouteComponent(() => import('../pages/destinations/destinations-page.tsx'), 'DestinationsPage'),
})

/** A destination that is created. */
const newDestinationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/destinations/new',
  validateSearch: z.object({ instance: text, kind: oneOf(storeKinds) }),
  component: lazyRouteComponent(() => import('../pages/destinations/destination-page.tsx'), 'NewDestinationPage'),
})

/** One destination, and a reconciliation of it. */
const destinationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/destinations/$destinationId',
  validateSearch: z.object({ reconciliation: text }),
  component: lazyRouteComponent(() => import('../pages/destinations/destination-page.tsx'), 'DestinationPage'),
})

/** The agents, filtered. */
const agentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/agents',
  validateSearch: z.object({ q: text, state: oneOf(agentStates) }),
  component: lazyRouteComponent(() => import('../pages/agents/agents-page.tsx'), 'AgentsPage'),
})

/** An agent that is registered. */
const newAgentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/agents/new',
  component: lazyRouteComponent(() => import('../pages/agents/agent-page.tsx'), 'NewAgentPage'),
})

/** One agent. */
const agentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/agents/$agentId',
  component: lazyRouteComponent(() => import('../pages/agents/agent-page.tsx'), 'AgentPage'),
})

/** Every page has a URL, its filters included. The manager serves the dashboard at these paths (http/dashboard.ts). */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    overviewRoute,
    instancesRoute,
    newInstanceRoute,
    instanceRoute,
    instanceSettingsRoute,
    plansRoute,
    newPlanRoute,
    planRoute,
    policiesRoute,
    newPolicyRoute,
    exemptionsRoute,
    policyRoute,
    jobsRoute,
    jobRoute,
    restoreRoute,
    restorePointsRoute,
    restorePointRoute,
    destinationsRoute,
    newDestinationRoute,
    destinationRoute,
    agentsRoute,
    newAgentRoute,
    agentRoute,
    alarmsRoute,
    channelsRoute,
    deliveriesRoute,
    newChannelRoute,
    channelRoute,
    accessRoute,
    newTokenRoute,
    newAccountRoute,
    accountRoute,
    auditRoute,
    aboutRoute,
  ]),
  ...plainSearch,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: CrashPage,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
