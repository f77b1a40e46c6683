import { z } from 'zod'

/** An error answer (RFC 9457). `field` names the part of the request that is wrong, where one is. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  field: z.string().optional(),
})
export type Problem = z.infer<typeof problemSchema>
