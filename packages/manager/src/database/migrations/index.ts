import type { MigrationProvider } from 'kysely/migration'
import { up } from './0001-initial/index.ts'

/** Every migration, in the order of its name. One that was released is never changed. */
export const migrationProvider: MigrationProvider = {
  getMigrations: async () => ({ '0001-initial': { up } }),
}
