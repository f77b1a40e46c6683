import { z } from 'zod'

/** A directory: a local disk or a mounted NFS share. It must exist. */
export const fileSettingsSchema = z.object({ type: z.literal('file'), directory: z.string() })
export type FileSettings = z.infer<typeof fileSettingsSchema>
