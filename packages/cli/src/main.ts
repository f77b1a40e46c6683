#!/usr/bin/env node
import { run } from './run.ts'

const interrupt = new AbortController()
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second one ends the program at once.
    if (isInterrupted) process.exit(130)
    isInterrupted = true
    interrupt.abort(new Error('interrupted'))
  })
}
// A reader such as `head` that has enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw error
})

const { stdin, stdout, stderr, env } = process
const code = await run({ stdin, stdout, stderr, env, signal: interrupt.signal, now: Date.now }, process.argv.slice(2))
if (code !== undefined) process.exitCode = code
