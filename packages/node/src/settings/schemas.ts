import { isAbsolute } from 'node:path'
import { z } from 'zod'

/** A whole number within limits. */
export function wholeNumber(minimum: number, maximum: number) {
  const problem = `must be a whole number from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,15}$/, problem)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, problem)
}

/** `true` or `false`. */
export const flag = z.enum(['true', 'false'], 'must be true or false').transform((word) => word === 'true')

/** An absolute path of a file or directory. */
export const absolutePath = z
  .string()
  .refine((path) => isAbsolute(path) && !path.includes('\0'), 'must be an absolute path')

/** One of several words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W) {
  return z.enum(words, `must be ${[words.slice(0, -1).join(', '), words.at(-1)].filter(Boolean).join(' or ')}`)
}

/** Any text. */
export const text = z.string()

/** An http or https URL. */
export const httpUrl = z
  .string()
  .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url), 'must be an http or https URL')

/**
 * Several values with commas between them; spaces around them do not count.
 *
 * @param problem - What the setting must be, if one of them is wrong: `must be origins such as https://dashboard.example`.
 */
export function listOf<S extends z.ZodType<unknown, string>>(schema: S, problem: string) {
  return z.string().transform((value, context): z.output<S>[] => {
    const results = value.split(',').map((part) => schema.safeParse(part.trim()))
    const values = results.flatMap((result) => (result.success ? [result.data] : []))
    if (values.length < results.length) context.addIssue({ code: 'custom', message: problem })
    return values
  })
}
