import { testKills } from './killed-restores.ts'

testKills({ mode: 'swap', setup: 'superuser' }, { seed: 2 })
