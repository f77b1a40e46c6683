import { hostSchema, itemSchema } from '@osb-backup/protocol'
import { z } from 'zod'

/** The documents of the old manager, as far as they are imported. They are read leniently: other fields are ignored. */

const text = z.string().min(1).max(2000)
const optional = text
  .nullish()
  .catch(undefined)
  .transform((value) => value ?? undefined)
const id = z.string().regex(/^[\w.:-]{1,200}$/, 'must be 1 to 200 letters, digits or . _ : -')
const optionalId = id
  .nullish()
  .catch(undefined)
  .transform((value) => value ?? undefined)
const flag = z.boolean().catch(false)
const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }).transform((value) => new Date(value))])
  .nullish()
  .catch(undefined)
  .transform((value) => value ?? undefined)

export const oldInstanceSchema = z.object({
  _id: id,
  serviceDefinitionId: optional,
  planId: optional,
  organizationGuid: optional,
  spaceGuid: optional,
  parameters: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  hosts: z.array(hostSchema).min(1).max(100),
  username: optional,
  password: optional,
})
export type OldInstance = z.infer<typeof oldInstanceSchema>

/** A user name and password of an instance, in the credential store of the brokers. */
export const oldCredentialSchema = z.object({ _id: text, username: text, password: text })
export type OldCredential = z.infer<typeof oldCredentialSchema>

export const oldDestinationSchema = z.looseObject({
  _id: id,
  _class: optional,
  type: optional,
  serviceInstance: id,
  name: optional,
  containerName: optional,
  projectName: optional,
})
export type OldDestination = z.infer<typeof oldDestinationSchema>

export const oldPlanSchema = z.object({
  _id: id,
  name: optional,
  serviceInstance: id,
  fileDestination: id,
  paused: flag,
  compression: flag,
  frequency: z.string().max(200).catch(''),
  timezone: optional,
  retentionStyle: z.enum(['FILES', 'HOURS', 'DAYS', 'ALL']).catch('ALL'),
  retentionPeriod: z.int().catch(0),
  items: z.array(itemSchema).max(500).nullish(),
  privateKey: optional,
  publicKey: optional,
})
export type OldPlan = z.infer<typeof oldPlanSchema>

const responseSchema = z.object({
  status: optional,
  errorMessage: optional,
  startTime: instant,
  endTime: instant,
  filenamePrefix: z.string().max(500).nullish().catch(undefined),
  filename: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\p{Cc}]{1,900}$/u)
    .nullish()
    .catch(undefined),
  filesize: z.object({ size: z.number() }).nullish().catch(undefined),
})

export const oldJobSchema = z.object({
  _id: id,
  _class: optional,
  jobType: optional,
  status: optional,
  startDate: instant,
  endDate: instant,
  serviceInstance: id,
  backupPlan: optionalId,
  destination: optionalId,
  files: z.record(z.string(), z.string()).nullish().catch(undefined),
  agentExecutionReponses: z.record(z.string(), responseSchema).nullish().catch(undefined),
})
export type OldJob = z.infer<typeof oldJobSchema>
/** What an agent answered about one item. */
export type OldResponse = z.infer<typeof responseSchema>
