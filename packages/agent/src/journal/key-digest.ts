import { createHash } from 'node:crypto'
import type { JobKey } from '../jobs/job-record.ts'

/** A digest of the id of a job, for names of files and lists: ids may be as long as a file name. */
export const keyDigest = ({ id }: Pick<JobKey, 'id'>): string => createHash('sha256').update(id).digest('hex')
