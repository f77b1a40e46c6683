import { Agent, request } from 'undici'

/** What was measured of one kind of call. */
export interface Measured {
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** A call to be repeated. */
export interface LoadCall {
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  /** Of another caller than the others. */
  token?: string
}

/** How a call is repeated. */
export interface Load {
  connections: number
  /** Kinds of calls take turns, this often: what else the machine does meanwhile falls on all of them. */
  rounds: number
  roundMs: number
}

/**
 * Measures kinds of calls, in turns; each turn's first tenth does not count.
 *
 * @param kinds - Each is asked for the next call of its kind, with a number that counts its calls.
 * @throws {Error} If a call is not answered with success: then the figures would say nothing.
 */
export async function measureInTurns(
  target: { url: string; token: string },
  { connections, rounds, roundMs }: Load,
  kinds: readonly ((number: number) => LoadCall)[],
): Promise<Measured[]> {
  const dispatcher = new Agent({ connections, pipelining: 1 })
  const states = kinds.map((nextCall) => ({ nextCall, number: 0, timesMs: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    for (const state of states) {
      const countsFrom = performance.now() + roundMs / 10
      const endsAt = performance.now() + roundMs
      const work = async () => {
        while (performance.now() < endsAt) {
          const startedAt = performance.now()
          await callOnce(dispatcher, target, state.nextCall(state.number++))
          if (startedAt >= countsFrom) state.timesMs.push(performance.now() - startedAt)
        }
      }
      await Promise.all(Array.from({ length: connections }, work))
    }
  }
  await dispatcher.close()
  return states.map(({ timesMs }) => summary(timesMs, (rounds * roundMs * 9) / 10))
}

async function callOnce(dispatcher: Agent, target: { url: string; token: string }, call: LoadCall): Promise<void> {
  const { method, path, body } = call
  const answer = await request(target.url + path, {
    dispatcher,
    method,
    headers: {
      authorization: `Bearer ${call.token ?? target.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.body.text()
  if (answer.statusCode > 202) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`)
}

function summary(timesMs: number[], measuredMs: number): Measured {
  const sorted = timesMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { perSecond: sorted.length / (measuredMs / 1000), p50Ms: at(0.5), p99Ms: at(0.99) }
}
