import * as protocol from '@osb-backup/protocol'
import { stores } from '@osb-backup/storage'
import { z } from 'zod'

/** The schemas of the legacy API that depend on the kinds of stores of this manager, directly or through others. */

/** A file destination as clients send it. */
export const fileDestinationRequestSchema = stores.unionOf('type', ({ legacy }) =>
  legacy.requestSchema.extend(protocol.fileDestinationRequestFields),
) as unknown as typeof protocol.fileDestinationRequestSchema

/** A file destination in an answer, its secret masked. */
export const fileDestinationSchema = stores.unionOf('type', ({ legacy }) =>
  legacy.answerSchema.extend(protocol.fileDestinationFields),
) as unknown as typeof protocol.fileDestinationSchema

/** A backup plan in an answer. */
export const backupPlanSchema = protocol.backupPlanSchema.extend({ fileDestination: fileDestinationSchema })

const backupPlan = backupPlanSchema.optional()

/** A backup job in an answer. */
export const backupJobSchema = protocol.backupJobSchema.extend({
  backupPlan,
  destination: fileDestinationSchema.optional(),
})

/** A restore job in an answer. */
export const restoreJobSchema = protocol.restoreJobSchema.extend({ backupPlan })

/** A job of either kind in an answer. */
export const jobSchema = z.discriminatedUnion('jobType', [backupJobSchema, restoreJobSchema])

/** Answer to `POST /backup`. */
export const backupStartedSchema = protocol.backupStartedSchema.extend({ backupPlan, backupJob: backupJobSchema })

/** Answer to `POST /restore`. */
export const restoreStartedSchema = protocol.restoreStartedSchema.extend({
  backupJob: backupJobSchema,
  restoreJob: restoreJobSchema,
})

/** Answer to a restore of one restore point. */
export const restorePointStartedSchema = protocol.restorePointStartedSchema.extend({ restoreJob: restoreJobSchema })
