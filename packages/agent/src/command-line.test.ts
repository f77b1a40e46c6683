import { VERSION } from '@osb-backup/node'
import { expect, test } from 'vitest'
import { readCommandLine } from './command-line.ts'

test('the command line starts the agent, prints help and version, and rejects anything else with a sentence', () => {
  expect(readCommandLine([])).toEqual({ start: true })
  expect(readCommandLine(['--version'])).toEqual({ print: VERSION })
  const help = expect.stringMatching(/^Usage: npm run agent -- \[options\][\s\S]*SIGTERM[\s\S]*client_username/)
  expect(readCommandLine(['-h'])).toEqual({ print: help })
  expect(readCommandLine(['--port', '80'])).toEqual({ mistake: "unknown option '--port'. See --help." })
  expect(readCommandLine(['start'])).toEqual({
    mistake: expect.stringMatching(/^too many arguments.*start\. See --help\.$/),
  })
})
