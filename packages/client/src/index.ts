export { ApiError } from './api-error.ts'
export { type Abortable, BackupClient, type Paging, type PointFilter } from './client.ts'
export type { ClientOptions } from './connection.ts'
export { type WatchOptions, waitForJob } from './wait-for-job.ts'
