import { testKills } from './killed-restores.ts'

testKills({ mode: 'swap', setup: 'owner+superuser' }, { seed: 1 })
