import { z } from 'zod'
import { about } from './about.ts'

/** The longest warning that is kept, and how many of them. */
export const MAX_WARNING_LENGTH = 2000
export const MAX_WARNINGS = 100

/**
 * What a script found that does not fail the job but that an operator should know: what a restore of this backup will
 * need, for one. `code` is a stable word of the script pack (`superuser-objects`), `message` a sentence.
 */
export const warningSchema = z.object({
  code: z.string().meta(about('Machine-readable code', 'superuser-objects')),
  message: z
    .string()
    .meta(about('What it means, for people', 'The dump holds objects that only a superuser can restore.')),
})
export type Warning = z.infer<typeof warningSchema>

/** Warnings as an agent reports them: what is not one is dropped, and neither their number nor their length is trusted. */
export const lenientWarningsSchema = z
  .array(z.unknown())
  .catch([])
  .transform((values) =>
    values
      .flatMap((value) => warningSchema.safeParse(value).data ?? [])
      .slice(0, MAX_WARNINGS)
      .map(({ code, message }) => ({ code: code.slice(0, 64), message: message.slice(0, MAX_WARNING_LENGTH) })),
  )
