import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideSetback, type SetbackContext } from './agent-setback.ts'

const context: fc.Arbitrary<SetbackContext> = fc.record({
  setback: fc.constantFrom('not-known', 'gone', 'refused', 'busy', 'unreachable'),
  isAsked: fc.boolean(),
  mayHaveStarted: fc.boolean(),
  isElsewhere: fc.boolean(),
  isCancelled: fc.boolean(),
  isOverdue: fc.boolean(),
})

test('a part that may be running fails only if its own agent says that it does not run it', () => {
  fc.assert(
    fc.property(context, (each) => {
      if (!each.mayHaveStarted || decideSetback(each) !== 'fail') return
      expect(each).toMatchObject({ setback: expect.stringMatching(/^(not-known|gone)$/), isElsewhere: false })
    }),
  )
})

test('a part that cannot have started is never unknown, and one that may have is unknown past the limit', () => {
  fc.assert(
    fc.property(context, (each) => {
      if (!each.mayHaveStarted) expect(decideSetback(each)).not.toBe('unknown')
      else if (each.isOverdue && (!/^(not-known|gone)$/.test(each.setback) || each.isElsewhere))
        expect(decideSetback(each)).toBe('unknown')
      if (each.isOverdue) expect(decideSetback(each)).not.toBe('retry')
    }),
  )
})

test('an agent that does not accept jobs fails a part at once, and one that is busy or unreachable does not', () => {
  const fresh = {
    ...{ isAsked: false, mayHaveStarted: false, isElsewhere: false },
    ...{ isCancelled: false, isOverdue: false },
  }
  expect(decideSetback({ ...fresh, setback: 'refused' })).toBe('fail')
  expect(decideSetback({ ...fresh, setback: 'not-known' })).toBe('fail')
  expect(decideSetback({ ...fresh, setback: 'busy' })).toBe('retry')
  expect(decideSetback({ ...fresh, setback: 'unreachable' })).toBe('retry')
  expect(decideSetback({ ...fresh, setback: 'unreachable', isOverdue: true })).toBe('fail')
})

test('a part that was cancelled at its agent fails at once, and one that the agent does not know once it is only asked about', () => {
  const own = { mayHaveStarted: true, isElsewhere: false, isCancelled: false, isOverdue: false }
  expect(decideSetback({ ...own, setback: 'gone', isAsked: false })).toBe('fail')
  expect(decideSetback({ ...own, setback: 'not-known', isAsked: true })).toBe('fail')
  expect(decideSetback({ ...own, setback: 'not-known', isAsked: false })).toBe('retry')
})

test('a part that cannot have started ends at once when it is cancelled, whatever its agent answers', () => {
  fc.assert(
    fc.property(context, (each) => {
      if (!each.mayHaveStarted) expect(decideSetback({ ...each, isCancelled: true })).toBe('fail')
    }),
  )
})
