export * from './job-status.ts'
export * from './object-name.ts'
export * from './stage-order.ts'
export * from './transforms.ts'
