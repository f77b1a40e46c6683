import { testAttacks } from './hostile.ts'

testAttacks('in-place')
