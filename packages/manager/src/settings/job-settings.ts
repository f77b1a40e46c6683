import { wholeNumber } from '@osb-backup/node'

/** How many jobs run at the same time, and how long they may take. */
export const jobTable = {
  MAX_RUNNING_JOBS: {
    schema: wholeNumber(1, 10_000),
    default: '100',
    description: 'maximum number of backup jobs that run at the same time, over all managers on one database',
  },
  MAX_RUNNING_JOBS_PER_AGENT: {
    schema: wholeNumber(1, 10_000),
    default: '10',
    description: 'maximum number of backup jobs that run at one agent',
  },
  MAX_RUNNING_JOBS_PER_DESTINATION: {
    schema: wholeNumber(1, 10_000),
    default: '20',
    description: 'maximum number of backup jobs that run with one file destination',
  },
  MAX_RUNNING_RESTORES: {
    schema: wholeNumber(1, 10_000),
    default: '50',
    description: 'maximum number of restore jobs that run at the same time, in addition to backup jobs',
  },
  MAX_RUNNING_RESTORES_PER_AGENT: {
    schema: wholeNumber(1, 10_000),
    default: '5',
    description: 'maximum number of restore jobs that run at one agent, in addition to backup jobs',
  },
  MAX_RUNNING_RESTORES_PER_DESTINATION: {
    schema: wholeNumber(1, 10_000),
    default: '10',
    description: 'maximum number of restore jobs that run with one file destination, in addition to backup jobs',
  },
  MAX_RUNNING_VERIFICATIONS: {
    schema: wholeNumber(1, 1000),
    default: '4',
    description: 'maximum number of verify jobs that run at the same time, over all managers on one database',
  },
  MAX_RUNNING_DRILLS: {
    schema: wholeNumber(1, 1000),
    default: '4',
    description: 'maximum number of drills that run at the same time, over all managers on one database',
  },
  VERIFICATION_TIMEOUT_SECONDS: {
    schema: wholeNumber(1, 2_000_000),
    default: '86400',
    description: 'time limit in seconds of a verify job',
  },
  RECONCILIATION_TIMEOUT_SECONDS: {
    schema: wholeNumber(1, 2_000_000),
    default: '86400',
    description: 'time limit in seconds of a reconciliation that was requested over /v1',
  },
  AGENT_POLL_MS: {
    schema: wholeNumber(50, 600_000),
    default: '2000',
    description: 'longest pause in milliseconds between two polls of a running job',
  },
  AGENT_UNREACHABLE_SECONDS: {
    schema: wholeNumber(1, 604_800),
    default: '300',
    description: 'time in seconds that an agent may be unreachable before the outcome of its job is unknown',
  },
  AGENT_BUSY_SECONDS: {
    schema: wholeNumber(1, 604_800),
    default: '21600',
    description: 'time in seconds that an agent may answer that it is busy before its job fails',
  },
} as const

/** When plans run. */
export const scheduleTable = {
  MINIMUM_INTERVAL_SECONDS: {
    schema: wholeNumber(1, 31_536_000),
    default: '3600',
    description: 'minimum time in seconds between two runs of a plan',
  },
  SCHEDULE_GRACE_SECONDS: {
    schema: wholeNumber(0, 31_536_000),
    default: '86400',
    description: 'how late in seconds a run may begin that an outage or another job on its database prevented',
  },
  SCHEDULE_JITTER_SECONDS: {
    schema: wholeNumber(0, 86_400),
    default: '0',
    description: 'longest delay in seconds that spreads plans which are due at the same moment; constant for each plan',
  },
  RETRY_BACKOFF_SECONDS: {
    schema: wholeNumber(1, 86_400),
    default: '300',
    description:
      'wait in seconds before a scheduled run that failed is tried again; doubled with each further attempt, up to 6 hours',
  },
} as const
