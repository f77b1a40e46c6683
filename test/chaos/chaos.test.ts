import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { runChaos } from './chaos.ts'

const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31))

test.each([
  { title: 'two managers on one PostgreSQL', managers: 2, agents: 2, seconds: 30 },
  { title: 'one manager on its embedded PostgreSQL', managers: 0, agents: 1, seconds: 20 },
])(
  '$title, killed at random: no run is lost or doubled, nothing stays locked',
  async ({ title: _, ...options }) => {
    const lines: string[] = []
    try {
      const counts = await runChaos({ ...options, seed, log: (line) => lines.push(line) })
      console.log(`chaos: CHAOS_SEED=${seed} ${JSON.stringify(counts)}`)
      expect(counts.started).toBeGreaterThan(0)
      expect(counts.dueRuns).toBe(counts.started + counts.skipped + counts.missed)
    } catch (error) {
      console.log(`chaos: CHAOS_SEED=${seed}\n${lines.join('\n')}`)
      throw error
    }
  },
  300_000,
)
