import { afterAll, beforeAll, describe } from 'vitest'
import { testErrors } from './conformance/errors.ts'
import { testInterruptions } from './conformance/interruptions.ts'
import { testNames } from './conformance/names.ts'
import { testObjects } from './conformance/objects.ts'
import { type StoreUnderTest, Suite } from './conformance/suite.ts'

/** The one suite that every store passes. */
export function describeObjectStore(kind: string, tested: StoreUnderTest): void {
  describe(kind, () => {
    const suite = new Suite(tested)
    beforeAll(() => suite.prepare())
    afterAll(() => tested.cleanUp())
    testObjects(suite)
    testNames(suite)
    testInterruptions(suite)
    testErrors(suite)
  })
}
