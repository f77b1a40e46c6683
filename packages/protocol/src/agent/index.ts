export * from './job.ts'
export * from './refusal.ts'
export * from './request.ts'
