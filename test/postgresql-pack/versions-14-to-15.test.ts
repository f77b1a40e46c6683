import { testVersions } from './versions.ts'

await testVersions(14, 15)
