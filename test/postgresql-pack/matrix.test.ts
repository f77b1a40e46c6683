import { expect, test } from 'vitest'
import { fixtures } from './databases/index.ts'
import { setups } from './harness.ts'
import { modes, waysOfAll } from './round-trip.ts'

test('every database is restored in both modes, and every setup occurs in both', () => {
  const ways = waysOfAll(Object.values(fixtures).flat())
  for (const [{ name }, each] of ways) expect([...new Set(each.map(({ mode }) => mode))], name).toEqual(modes)
  const seen = new Set([...ways.values()].flat().map(({ mode, setup }) => `${mode} as ${setup}`))
  // The owner alone may not create databases, unless it is granted: swap.test.ts.
  for (const setup of setups)
    for (const mode of modes) if (mode !== 'swap' || setup !== 'owner') expect(seen).toContain(`${mode} as ${setup}`)
})
