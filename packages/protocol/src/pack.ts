import { z } from 'zod'
import { about } from './about.ts'
import { backupStages, queryStages, restoreStages } from './stage.ts'

/** The name of a script pack, which is that of its folder where an agent has several. */
export const packNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,49}$/, 'must be up to 50 lower case letters, digits and dashes')

const value = z.union([z.string().max(10_000), z.number(), z.boolean()])

/** A parameter that the scripts of a pack understand. Forms are built from it, and the agent checks values against it. */
export const packParameterSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/, 'must be letters, digits, dashes and underscores')
    .meta(about('Name of the parameter', 'restore_mode')),
  type: z.enum(['string', 'integer', 'number', 'boolean']).meta(about('What its values are', 'string')),
  description: z.string().max(1000).optional().meta(about('What it is for', 'How the data is replaced')),
  required: z.boolean().optional().meta(about('Whether a job without it is rejected', false)),
  default: value.optional().meta(about('The value that scripts get where none is given', 'swap')),
  secret: z.boolean().optional().meta(about('Whether its value is masked', false)),
  values: z
    .array(value)
    .min(1)
    .max(100)
    .optional()
    .meta(about('The only values that are accepted', ['swap', 'in-place'])),
  minimum: z.number().optional().meta(about('The smallest number that is accepted', 1)),
  maximum: z.number().optional().meta(about('The largest number that is accepted', 16)),
})
export type PackParameter = z.infer<typeof packParameterSchema>

/** The file `pack.json`, which marks a folder of scripts as a pack of form 2. */
export const packFileSchema = z.object({
  form: z.literal(2),
  name: packNameSchema,
  /** File type of the dump, with its dot. Compression and encryption append their own endings. */
  type: z
    .string()
    .max(30)
    .regex(/^(\.[A-Za-z0-9]+)+$/, 'must look like ".dump"')
    .refine((type) => !/\.(gz|zst|age)$/i.test(type), 'must not end in .gz, .zst or .age: the agent adds those'),
  description: z.string().max(1000).optional(),
  /** Stages whose script must exist, in addition to `backup` and `restore`. */
  stages: z.array(z.enum([...backupStages, ...restoreStages, ...queryStages])).default([]),
  parameters: z.array(packParameterSchema).max(100).default([]),
})
export type PackFile = z.infer<typeof packFileSchema>

/** The variable that holds a parameter in form 2: `dump-jobs` becomes `BACKUP_PARAMETER_DUMP_JOBS`. */
export function parameterVariable(name: string): string {
  return `BACKUP_PARAMETER_${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`
}

/** A script pack as an agent reports it. */
export const reportedPackSchema = z.object({
  name: packNameSchema.meta(about('Name of the pack', 'postgresql')),
  form: z.union([z.literal(1), z.literal(2)]).meta(about('Script contract: 1 for files, 2 for streams', 2)),
  type: z.string().max(30).optional().meta(about('File type of its dumps', '.pgdump')),
  description: z.string().max(1000).optional().meta(about('What it backs up', 'A PostgreSQL database')),
  stages: z
    .array(z.string().max(50))
    .max(50)
    .meta(about('The stages that have a script', ['backup', 'restore', 'list-items'])),
  parameters: z.array(packParameterSchema).max(100).meta({ description: 'The parameters that its scripts understand' }),
  problem: z.string().max(2000).optional().meta(about('Why it cannot be used', 'pack.json is not valid')),
})
export type ReportedPack = z.infer<typeof reportedPackSchema>
