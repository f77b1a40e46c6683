import { z } from 'zod'
import { about, EXAMPLE_INSTANT, idSchema, instantSchema } from './schema.ts'

const count = (description: string, example: number) => z.int().meta(about(description, example))

/** `GET /v1/limits`: what the settings of the manager allow. */
export const limitsSchema = z.object({
  minimumIntervalSeconds: count('Minimum time between two runs of a plan', 3600),
  maxRunningJobs: count('Maximum number of backup jobs that run at the same time', 100),
  maxRunningJobsPerAgent: count('Maximum number of backup jobs that run at one agent', 10),
  maxRunningJobsPerDestination: count('Maximum number of backup jobs that run with one destination', 20),
  maxRunningRestores: count('Maximum number of restore jobs that run at the same time', 50),
  maxRunningVerifications: count('Maximum number of verify jobs that run at the same time', 4),
  deletionGraceSeconds: count('How long restore points that somebody deleted can be undeleted', 86_400),
  retentionChangeGraceSeconds: count('How long after a change of its retention a plan deletes nothing', 86_400),
  jobHistorySeconds: count('How long jobs are kept after their end', 31_536_000),
  jobLogSeconds: count('How long the output of scripts is kept', 2_592_000),
  auditHistorySeconds: count('How long audit entries are kept', 63_072_000),
  alarmHistorySeconds: count('How long resolved alarms and the log of notifications are kept', 7_776_000),
  maxTokenLifetimeSeconds: z
    .int()
    .optional()
    .meta(about('Longest time that a new token may be valid; absent: without limit', 7_776_000)),
})
export type Limits = z.infer<typeof limitsSchema>

/** One of the managers that share a database. */
export const managerSchema = z.object({
  id: idSchema.meta(about('Id of the manager, the same after a restart', '5d0c1f8a9b7e6d5c4b3a2f10')),
  name: z.string().meta(about('Host and port', 'manager-1:8080')),
  version: z.string().meta(about('Its version', '0.1.0')),
  reportedAt: instantSchema.meta(about('When it last reported that it is alive', EXAMPLE_INSTANT)),
  clockSkewSeconds: z
    .int()
    .optional()
    .meta(about("How far its clock is ahead of PostgreSQL's; absent while they agree", 12)),
  diskFreeBytes: z.int().optional().meta(about('Free space of its DATA_DIR', 40_000_000_000)),
  diskSizeBytes: z.int().optional().meta(about('Size of the disk with its DATA_DIR', 100_000_000_000)),
})
export type Manager = z.infer<typeof managerSchema>

/** `GET /v1/managers`: all of them, by name. */
export const managersSchema = z.object({
  items: z.array(managerSchema).meta({ description: 'The managers that reported within a day, by name' }),
})
