import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type BrokerOutcome,
  type BrokerReply,
  type BrokerRequest,
  brokerPauseSeconds,
  brokerPollSeconds,
  lastOperationOf,
  outcomeOf,
} from './broker-answer.ts'

const answer = (status: number, fields: { isWellFormed?: boolean; error?: string } = {}): BrokerReply => ({
  kind: 'answer',
  status,
  isWellFormed: true,
  ...fields,
})
const noAnswer: BrokerReply = { kind: 'no-answer' }
const notSent: BrokerReply = { kind: 'not-sent' }
const malformed = { isWellFormed: false }
const concurrent = { error: 'ConcurrencyError' }
const done: BrokerOutcome = { kind: 'done' }
const inProgress: BrokerOutcome = { kind: 'in-progress' }
const again: BrokerOutcome = { kind: 'again' }
const orphaned: BrokerOutcome = { kind: 'failed', mayExist: true }
const rejected: BrokerOutcome = { kind: 'failed', mayExist: false }

test.for<[string, BrokerReply, BrokerOutcome, BrokerOutcome]>([
  ['200', answer(200), done, done],
  ['200 with a malformed body', answer(200, malformed), orphaned, again],
  ['201', answer(201), done, again],
  ['201 with a malformed body', answer(201, malformed), orphaned, again],
  ['202', answer(202), inProgress, inProgress],
  ['any other 2xx', answer(204), orphaned, again],
  ['a redirect', answer(302), orphaned, again],
  ['400', answer(400), rejected, again],
  ['401', answer(401), rejected, again],
  ['404', answer(404), rejected, again],
  ['408: the request was not received', answer(408), again, again],
  ['409', answer(409), rejected, again],
  ['410', answer(410), rejected, done],
  ['422', answer(422, { error: 'AsyncRequired' }), rejected, again],
  ['422 while another operation is in progress', answer(422, concurrent), again, again],
  ['429', answer(429), again, again],
  ['500', answer(500), orphaned, again],
  ['503', answer(503), orphaned, again],
  ['no answer', noAnswer, orphaned, again],
  ['no connection', notSent, again, again],
])('%s means the same for instances and bindings', ([, reply, created, deleted]) => {
  for (const request of ['provision', 'bind'] as const)
    expect([request, outcomeOf(request, reply)]).toEqual([request, created])
  for (const request of ['unbind', 'deprovision'] as const)
    expect([request, outcomeOf(request, reply)]).toEqual([request, deleted])
})

test('a rejection proves nothing where an earlier attempt may have arrived', () => {
  expect(outcomeOf('provision', answer(409), true)).toEqual(orphaned)
  expect(outcomeOf('provision', answer(200), true)).toEqual(done)
})

test.for<[BrokerRequest, BrokerReply, string | undefined, string]>([
  ['provision', answer(200), 'succeeded', 'succeeded'],
  ['provision', answer(200), 'failed', 'failed'],
  ['provision', answer(200), 'in progress', 'pending'],
  ['provision', answer(200, malformed), undefined, 'pending'],
  ['provision', answer(410), undefined, 'pending'],
  ['bind', answer(500), 'failed', 'pending'],
  ['deprovision', answer(410), undefined, 'succeeded'],
  ['unbind', answer(410), undefined, 'succeeded'],
  ['unbind', answer(404), undefined, 'pending'],
  ['deprovision', noAnswer, undefined, 'pending'],
])('last_operation of %s', ([request, reply, state, expected]) => {
  expect(lastOperationOf(request, reply, state)).toBe(expected)
})

test('pauses grow, are bounded, and are never shorter than a broker asks for within reason', () => {
  const askedFor = fc.option(fc.nat(100_000), { nil: undefined })
  fc.assert(
    fc.property(fc.nat(1000), askedFor, (attempts, seconds) => {
      for (const pause of [brokerPauseSeconds, brokerPollSeconds]) {
        expect(pause(attempts, seconds)).toBeGreaterThanOrEqual(Math.min(seconds ?? 0, 300))
        expect(pause(attempts + 1, seconds)).toBeGreaterThanOrEqual(pause(attempts, seconds))
        expect(pause(attempts, seconds)).toBeLessThanOrEqual(600)
      }
    }),
  )
})
