#!/usr/bin/env -S node --max-semi-space-size=1
import { handleShutdownSignals, usePlainValidationMessages } from '@osb-backup/node'
import { exitCodes } from './exit-code.ts'
import { run } from './run.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Error: Node 24 or newer is needed, and this is ${process.version}.`)
  process.exit(exitCodes.usage)
}
usePlainValidationMessages()
const interrupt = new AbortController()
handleShutdownSignals(process, () => performance.now(), {
  shutdown: (signal) => interrupt.abort(new Error(`interrupted by ${signal}`)),
  forceExit() {
    console.error('Forced to exit by a second signal; parts of an upload may remain in the store.')
    process.exit(exitCodes.interrupted)
  },
})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader such as `head` that has enough needs no message, but what it got was not all.
  if (error.code !== 'EPIPE') console.error(`Error: Standard output cannot be written: ${error.message}.`)
  process.exit(exitCodes.failed)
})
// Messages that nobody reads any more end neither a transfer nor the waiting for a job, whose result is the exit code.
process.stderr.on('error', () => undefined)

const { stdin, stdout, stderr, env } = process
const io = { stdin, stdout, stderr, env, signal: interrupt.signal, now: Date.now }
// Without `await` here, so that it can be built as CommonJS, which starts faster.
void run(io, process.argv.slice(2)).then((code) => {
  if (code !== undefined) process.exitCode = code
})
