import { describe } from 'vitest'
import { isFullMatrix } from './matrix.ts'
import type { Major } from './postgres-software.ts'
import { testVersions } from './versions.ts'

const pairs: readonly (readonly [Major, Major])[] = [
  [14, 18],
  [15, 16],
  [15, 17],
]

describe.runIf(isFullMatrix).each(pairs)('from %i to %i', testVersions)
