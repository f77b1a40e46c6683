import {
  extensionsOfSuperuser,
  ownExtensions,
  partman,
  postgis,
  superuserDatabase,
  untrustedExtensions,
} from './extensions.ts'
import type { DatabaseFixture } from './fixture.ts'
import { beyondTheOwner, databaseSettings, grants, roleSettings, severalOwners } from './privileges.ts'
import { columnsAndNames, dependentViews, partitions } from './tables.ts'
import { largeObjects, latin1, sqlAscii, typesAndFunctions } from './types.ts'

/** The databases that are small enough to be restored in every way, in groups that each take a test file. */
export const fixtures = {
  tables: [partitions, dependentViews, columnsAndNames],
  types: [typesAndFunctions, largeObjects, latin1, sqlAscii],
  privileges: [grants, severalOwners, databaseSettings, roleSettings, beyondTheOwner],
  extensions: [ownExtensions, extensionsOfSuperuser, untrustedExtensions],
  superuser: [postgis, partman, superuserDatabase],
} as const satisfies Record<string, readonly DatabaseFixture[]>
