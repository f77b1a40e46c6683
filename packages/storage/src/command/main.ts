#!/usr/bin/env -S node --max-semi-space-size=1
import { errorMessage, handleShutdownSignals } from '@osb-backup/node'
import { help, readArguments } from './read-arguments.ts'
import { UsageError } from './usage-error.ts'

const abort = new AbortController()
handleShutdownSignals(process, () => performance.now(), {
  shutdown: (signal) => abort.abort(new Error(`stopped by ${signal}; nothing is left of an upload`)),
  forceExit() {
    console.error('osb-backup-transfer: forced to exit by a second signal; parts of an upload may remain in the store')
    process.exit(1)
  },
})
try {
  const wanted = readArguments(process.argv.slice(2))
  if (wanted === undefined) console.log(help)
  else {
    // Loaded only when needed, since that takes a while.
    const { runTransfer } = await import('./run-transfer.ts')
    const { env: environment, stdin: input, stdout: output } = process
    await runTransfer(wanted, { environment, input, output, signal: abort.signal })
  }
} catch (error) {
  console.error(`osb-backup-transfer: ${errorMessage(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
