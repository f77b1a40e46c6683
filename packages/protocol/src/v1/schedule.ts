import { z } from 'zod'
import { about } from './schema.ts'

export const scheduleSchema = z.strictObject({
  cron: z
    .string()
    .min(1)
    .max(200)
    .meta(
      about(
        'Cron expression, or a name like `@daily`. Six fields (second, minute, hour, day of month, month, day of week) are read as by Spring: a day has to match both day fields. Five fields, without seconds, are read as in crontab: where both day fields are restricted, a day that matches one of them is enough. `POST /v1/plans/preview` shows an expression in words',
        '0 0 2 * * *',
      ),
    ),
  timezone: z
    .string()
    .max(100)
    .optional()
    .meta(
      about(
        'IANA name of the time zone that `cron` is read in; UTC by default. The rules of zones come with the Node.js of the manager',
        'Europe/Berlin',
      ),
    ),
})
export type Schedule = z.infer<typeof scheduleSchema>
