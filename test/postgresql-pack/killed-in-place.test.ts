import { testKills } from './killed-restores.ts'

testKills({ mode: 'in-place', setup: 'owner' }, { seed: 3 })
