import { z } from 'zod'
import { about } from './about.ts'

/** An error answer (RFC 9457). `field` names the part of the request that is wrong, where one is. */
export const problemSchema = z.object({
  type: z.string().meta(about('Always about:blank', 'about:blank')),
  title: z.string().meta(about('Name of the HTTP status', 'Bad Request')),
  status: z.int().meta(about('The HTTP status', 400)),
  detail: z.string().meta(about('What happened, for people', 'There is no backup plan.')),
  field: z.string().optional().meta(about('The invalid field of the request', 'frequency')),
})
export type Problem = z.infer<typeof problemSchema>
