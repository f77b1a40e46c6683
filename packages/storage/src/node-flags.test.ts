import { expect, test } from 'vitest'
import { missingNodeFlags, NODE_FLAGS } from './node-flags.ts'

test.each([
  { execArgv: [], env: {}, missing: NODE_FLAGS },
  { execArgv: ['--inspect', ...NODE_FLAGS], env: {}, missing: [] },
  { execArgv: [], env: { NODE_OPTIONS: '--max_semi_space_size=2' }, missing: [] },
  { execArgv: ['--max-old-space-size=100'], env: { NODE_OPTIONS: '' }, missing: NODE_FLAGS },
])('of a process with $execArgv and $env, $missing are missing', ({ missing, ...process }) => {
  expect(missingNodeFlags(process)).toEqual(missing)
})
