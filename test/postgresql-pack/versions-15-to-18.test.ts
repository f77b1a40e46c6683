import { testVersions } from './versions.ts'

await testVersions(15, 18)
