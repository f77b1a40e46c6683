import { testAttacks } from './hostile.ts'

testAttacks('swap')
