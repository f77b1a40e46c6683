import { z } from 'zod'

/** The requests that can be made to fail. */
export const brokerRequests = [
  'catalog',
  'provision',
  'instance',
  'deprovision',
  'last-operation',
  'bind',
  'binding',
  'unbind',
  'binding-last-operation',
] as const
export type BrokerRequestName = (typeof brokerRequests)[number]

/** How the broker misbehaves. */
export const brokerFaultSchema = z.strictObject({
  request: z.enum(brokerRequests),
  /** `before`: nothing of what was asked for is done; `after`: it is done, and only the answer is another. */
  when: z.enum(['before', 'after']).default('before'),
  act: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('answer'),
      status: z.int().min(200).max(599),
      /** Text is sent as it is. */
      body: z.unknown().optional(),
      headers: z.record(z.string(), z.string()).optional(),
    }),
    /** The connection is broken instead of an answer. */
    z.strictObject({ kind: z.literal('reset') }),
    /** No answer, until the broker stops or the faults are cleared. */
    z.strictObject({ kind: z.literal('hang') }),
    z.strictObject({ kind: z.literal('delay'), milliseconds: z.int().min(0).max(600_000) }),
    /** What is done in the background fails: `before` or `after` it was done. */
    z.strictObject({ kind: z.literal('fail-operation') }),
  ]),
  /** How many requests it concerns. */
  times: z.int().min(1).max(1_000_000).default(1),
})
export type BrokerFault = z.input<typeof brokerFaultSchema>
type ParsedFault = z.output<typeof brokerFaultSchema>

/** The faults that were asked for, each for a number of requests. */
export class BrokerFaults {
  #faults: ParsedFault[] = []

  /** @throws {z.ZodError} If it is none. */
  add(fault: BrokerFault): void {
    this.#faults.push(brokerFaultSchema.parse(fault))
  }

  clear(): void {
    this.#faults = []
  }

  /** The fault that a request has now, and has once less from then on. */
  take(request: BrokerRequestName): ParsedFault | undefined {
    const index = this.#faults.findIndex((fault) => fault.request === request)
    const fault = this.#faults[index]
    if (fault === undefined) return undefined
    if (fault.times > 1) this.#faults[index] = { ...fault, times: fault.times - 1 }
    else this.#faults.splice(index, 1)
    return fault
  }
}
