import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compressions, transformSuffix, transformsOfName } from './transforms.ts'

test('the extensions of a name are its transforms', () => {
  fc.assert(
    fc.property(fc.constantFrom(...compressions), fc.boolean(), (compression, encrypted) => {
      const name = `h_2026_01_01_db.dump${transformSuffix({ compression, encrypted })}`
      expect(transformsOfName(name)).toEqual({ compression, encrypted })
    }),
  )
})

test('a name without endings was stored as it is', () => {
  expect(transformsOfName('h_2026_01_01_db.dump')).toEqual({ compression: 'none', encrypted: false })
})
