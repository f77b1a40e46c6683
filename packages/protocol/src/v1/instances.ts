import { z } from 'zod'
import { itemPatternsSchema } from '../item.ts'
import { packNameSchema } from '../pack.ts'
import { mergePatchSchema } from './merge-patch.ts'
import { protectionSchema, protectionStates } from './protection.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  idSchema,
  instantSchema,
  labelField,
  pagingFields,
  searchField,
} from './schema.ts'

const hostSchema = z.strictObject({
  name: z.string().max(255).optional().meta(about('A name for people', 'postgres0')),
  address: z.string().min(1).max(255).meta(about('IP address or host name that the agent connects to', '10.0.0.5')),
  port: z.int().min(1).max(65_535).optional().meta(about('TCP port, if the service has one', 5432)),
  backup: z
    .boolean()
    .optional()
    .meta(about('Whether dumps are taken from this host. Exactly one of several hosts is marked', true)),
})

const brokerFields = {
  serviceId: z.string().max(200).optional().meta(about("The service in the broker's catalog", 'postgresql')),
  servicePlanId: z.string().max(200).optional().meta(about("The service plan in the broker's catalog", 'small')),
  organizationGuid: z
    .string()
    .max(200)
    .optional()
    .meta(about('The Cloud Foundry organization', 'e2a2bc4e-7d5c-4a0e-9d5b-1f6a3a8c2b11')),
  spaceGuid: z
    .string()
    .max(200)
    .optional()
    .meta(about('The Cloud Foundry space', '5b2f2ea4-0c0b-4b53-8a83-1b0a6c3e9d42')),
  parameters: z
    .record(z.string(), z.unknown())
    .optional()
    .meta(
      about('Passed to every script as environment variables; flat values only. Secret ones are masked in answers', {
        encoding: 'UTF8',
      }),
    ),
  secretParameters: z
    .array(z.string().min(1).max(255))
    .max(100)
    .optional()
    .meta(about('Names of parameters that are secret, besides those that are named like secrets', ['pin'])),
}

const privilegedUsername = z
  .string()
  .max(255)
  .optional()
  .meta(about('A second account, with more rights, for scripts that need one', 'postgres'))
const username = z.string().max(255).optional().meta(about('Account that dumps and restores', 'backup'))

const otherAgents = z
  .array(
    z.strictObject({
      agentId: idSchema.meta(about('The agent', EXAMPLE_ID)),
      host: z
        .string()
        .max(255)
        .optional()
        .meta(
          about('Name or address of the host that it works on; absent: the one that dumps are taken from', 'postgres1'),
        ),
    }),
  )
  .max(20)
  .optional()
  .meta({
    description:
      'Of a cluster: the agents on its other nodes, in the order of preference. For each backup and restore one of all agents is elected; if one does not answer, another takes its place',
  })

const instanceFields = {
  hosts: z.array(hostSchema).min(1).max(100).meta({ description: 'The machines of the instance' }),
  agentId: idSchema.meta(about('The agent beside the database', EXAMPLE_ID)),
  otherAgents,
  database: z
    .strictObject({
      username,
      password: z.string().max(1000).optional().meta(about('Write-only', 'a password of yours')),
      privilegedUsername,
      privilegedPassword: z
        .string()
        .max(1000)
        .optional()
        .meta(about('Password of the second account. Write-only', 'a password of yours')),
    })
    .optional()
    .meta({ description: 'How the agent logs in to the database' }),
  pack: packNameSchema
    .optional()
    .meta(
      about(
        'The script pack that backs it up, where its agent has several; absent for the one in `scripts_path`',
        'postgresql',
      ),
    ),
  items: itemPatternsSchema
    .optional()
    .meta(
      about(
        'What may be backed up and restored into: names, or patterns with `*`. Required where instances share a database server and an account; an item belongs to one of them',
        ['shop', 'shop_*'],
      ),
    ),
  label: labelField,
  drillTarget: z
    .boolean()
    .optional()
    .meta(
      about(
        'Whether restore drills may restore into it, and throw away what they restored. No plan can back it up then, and an instance with plans or restore points cannot be marked',
        false,
      ),
    ),
  ...brokerFields,
}

/** An instance's id: chosen by the client that registers it, usually the broker's. */
export const instanceIdSchema = z
  .string()
  .regex(/^[\w.:-]{1,200}$/, 'must be 1 to 200 letters, digits or . _ : -')
  .meta(about('Id of the service instance, usually the one that the broker gave it', 'shop-db'))

/** `POST /v1/instances`. */
export const instanceCreateSchema = z.strictObject({ id: instanceIdSchema, ...instanceFields })
export type InstanceCreate = z.infer<typeof instanceCreateSchema>

/** An instance as it can be written once it has an id. */
export const instanceSettingsSchema = z.strictObject(instanceFields)
export type InstanceSettings = z.infer<typeof instanceSettingsSchema>

/** `PATCH /v1/instances/{id}`. */
export const instancePatchSchema = mergePatchSchema(instanceSettingsSchema)
export type InstancePatch = z.infer<typeof instancePatchSchema>

/** `DELETE /v1/instances/{id}`. */
export const instanceDeleteQuerySchema = z.strictObject({
  plans: z
    .enum(['refuse', 'delete'])
    .optional()
    .meta(about('`delete` deletes its plans too; by default an instance that has plans is not deleted', 'delete')),
  lastBackup: z
    .enum(['true', 'false'])
    .optional()
    .meta(
      about(
        'With `plans=delete`: whether each plan that is not paused takes a last backup first; if one fails, nothing is deleted',
        'true',
      ),
    ),
  keepFilesDays: z.coerce
    .number()
    .pipe(z.int().min(0).max(36_500))
    .optional()
    .meta(
      about(
        'With `plans=delete`: for how many days its files are kept; absent: until somebody deletes them. Needs the permission `delete-backups`',
        30,
      ),
    ),
})
export type InstanceDeleteQuery = z.input<typeof instanceDeleteQuerySchema>

const deregistrationSchema = z.object({
  state: z
    .enum(['running', 'failed'])
    .meta(about('`running` until it failed; where it succeeds the instance does not exist any more', 'running')),
  reason: z.string().optional().meta(about('Why it failed', 'Nothing was deleted, since the last backup failed.')),
  lastBackup: z.boolean().meta(about('Whether last backups are taken', true)),
  keepFilesDays: z.int().optional().meta(about('For how many days files are kept; absent: without limit', 30)),
  requestedAt: instantSchema.meta(about('When it was requested', EXAMPLE_INSTANT)),
})

/** A service instance in an answer. */
export const instanceSchema = z.object({
  id: idSchema.meta(about('Id of the service instance', 'shop-db')),
  hosts: z
    .array(
      z.object({
        ...hostSchema.shape,
        backup: z.boolean().meta(about('Whether dumps are taken from this host', true)),
      }),
    )
    .meta({ description: 'The machines of the instance' }),
  agentId: idSchema.optional().meta(about('The agent beside the database', EXAMPLE_ID)),
  otherAgents,
  database: z
    .object({
      username,
      passwordSet: z.boolean().meta(about('Whether a password is stored', true)),
      privilegedUsername,
      privilegedPasswordSet: z.boolean().meta(about('Whether a password of the second account is stored', false)),
    })
    .meta({ description: 'How the agent logs in to the database' }),
  pack: packNameSchema.optional().meta(about('The script pack that backs it up, if one was named', 'postgresql')),
  items: z
    .array(z.string())
    .optional()
    .meta(about('What was declared; absent if nothing was', ['shop', 'shop_*'])),
  label: labelField,
  drillTarget: z.boolean().meta(about('Whether restore drills may restore into it', false)),
  ...brokerFields,
  protection: protectionSchema.meta({ description: 'The worst protection among the items of the instance' }),
  lockedSince: instantSchema
    .optional()
    .meta(about('Since when one of its databases has been locked; the earliest of several', EXAMPLE_INSTANT)),
  lastProvenRestorableAt: instantSchema
    .optional()
    .meta(
      about(
        'The earliest of the last proofs of its items that drills cover; absent while one of them was never proven, or drills cover none',
        EXAMPLE_INSTANT,
      ),
    ),
  deregistration: deregistrationSchema.optional().meta({
    description: 'Its deregistration, while that takes a while, or after it failed; absent: none was requested',
  }),
  createdAt: instantSchema.meta(about('When it was registered', EXAMPLE_INSTANT)),
})
export type Instance = z.infer<typeof instanceSchema>

/** `GET /v1/instances`. */
export const instanceQuerySchema = z.strictObject({
  ...pagingFields,
  agent: idSchema.optional().meta(about('Only instances of this agent', EXAMPLE_ID)),
  protection: z.enum(protectionStates).optional().meta(about('Only instances in this state of protection', 'at-risk')),
  q: searchField('the id or the name of a host'),
})
export type InstanceQuery = z.input<typeof instanceQuerySchema>

/** An item of an instance: a database that is, or was, backed up. */
export const itemSchema = z.object({
  name: z.string().meta(about('The database', 'shop')),
  listed: z
    .boolean()
    .optional()
    .meta(about('Whether the agent lists it; absent if the agent could not be asked or cannot list', true)),
  planIds: z.array(z.string()).meta(about('The plans that cover it', [EXAMPLE_ID])),
  protection: protectionSchema.meta({ description: 'Whether it could be restored' }),
  restorePointCount: z.int().meta(about('Number of its restore points', 14)),
  lastProvenRestorableAt: instantSchema
    .optional()
    .meta(about('When a drill last proved that it can be restored; absent: never', EXAMPLE_INSTANT)),
  recoverySeconds: z.number().optional().meta(about('How long the restore of that drill took', 84)),
  lastDrill: z
    .object({
      jobId: idSchema.meta(about('The drill', EXAMPLE_ID)),
      at: instantSchema.meta(about('When it ended', EXAMPLE_INSTANT)),
      passed: z.boolean().meta(about('Whether the item was proven to be restorable', true)),
      reason: z.string().optional().meta(about('Why not', 'The check "orders" failed: It printed "0".')),
    })
    .optional()
    .meta({ description: 'The last drill of the item' }),
})
export type Item = z.infer<typeof itemSchema>

/** `GET /v1/instances/{id}/items`. */
export const itemListSchema = z.object({
  items: z
    .array(itemSchema)
    .meta({ description: 'What plans cover, what has restore points, and what the agent lists' }),
  nextCursor: z.string().optional().meta(about('Always absent: the list has one page', 'opaque')),
  listError: z
    .string()
    .optional()
    .meta(about('Why the agent did not list what there is', 'These scripts have no list-items.')),
})
export type ItemList = z.infer<typeof itemListSchema>
