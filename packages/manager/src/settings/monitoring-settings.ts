import { absolutePath, listOf, wholeNumber } from '@osb-backup/node'
import { tracingTable } from '@osb-backup/node/tracing'
import { z } from 'zod'
import { network } from './address-schemas.ts'

/** The settings of metrics, traces, alarms and notifications. */
export const monitoringTable = {
  ENVIRONMENT_NAME: {
    schema: z.string().min(1).max(100),
    default: 'backup',
    description: 'name of this installation, in every notification',
  },
  NOTIFICATION_COMMAND: {
    schema: absolutePath,
    description:
      'absolute path of a program that notification channels may run, with a message as JSON on its standard input; while it is not set none may',
  },
  METRICS_TOKEN: {
    schema: z.string().regex(/^[\x21-\x7e]{20,200}$/, 'must be 20 to 200 printable characters without spaces'),
    description: 'bearer token with which Prometheus reads /metrics, and nothing else',
  },
  METRICS_ALLOWED_ADDRESSES: {
    schema: listOf(network, 'must be addresses or networks like 10.0.0.0/8'),
    description: 'addresses and networks that may read /metrics without a token, separated by commas',
  },
  METRICS_MAX_OBJECTS: {
    schema: wholeNumber(0, 100_000),
    default: '1000',
    description: 'maximum number of plans, agents and destinations, of each, with metrics of their own; 0: none',
  },
  ALARM_INTERVAL_SECONDS: {
    schema: wholeNumber(1, 60),
    default: '30',
    description: 'time in seconds between two evaluations of the alarms',
  },
  PROVEN_MAX_AGE_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '30',
    description:
      'time in days after which an alarm says that an item which drills cover was not proven to be restorable',
  },
  ALARM_HISTORY_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '90',
    description: 'time in days that resolved alarms, and the log of notifications, are kept',
  },
  DATABASE_SIZE_LIMIT_GB: {
    schema: wholeNumber(1, 1_000_000),
    description: 'size in gigabytes that the database may have; from 90 % of it an alarm is raised',
  },
  ...tracingTable,
} as const
