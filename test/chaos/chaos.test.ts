import { randomInt } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { runChaos } from './chaos.ts'
import { reportOf } from './report.ts'

const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31))

test.each([
  { title: 'two managers on one PostgreSQL', managers: 2, agents: 2, seconds: 15 },
  { title: 'one manager on its embedded PostgreSQL', managers: 0, agents: 1, seconds: 8 },
])(
  '$title uphold every guarantee, whatever breaks',
  async ({ title, ...options }) => {
    const lines: string[] = []
    const result = await runChaos({ ...options, s3: inject('lab').s3, seed, log: (line) => lines.push(line) }).catch(
      (error: unknown) => {
        console.log(`CHAOS_SEED=${seed}\n${lines.join('\n')}`)
        throw error
      },
    )
    console.log(`${title}: CHAOS_SEED=${seed}\n${reportOf(result)}`)
    if (result.counters.violations.length > 0) console.log(lines.join('\n'))
    expect(result.counters.violations).toEqual([])
    expect(result.counters.of('every due run is accounted for once').trials).toBeGreaterThan(0)
  },
  600_000,
)
