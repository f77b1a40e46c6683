export type * from './content.ts'
export type * from './object-store.ts'
export * from './store-error.ts'
export type * from './store-settings.ts'
