import { about, EXAMPLE_ID, idSchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'

/** The path of one thing. */
export const idParams = z.object({ id: idSchema.meta(about('Its id', EXAMPLE_ID)) })
