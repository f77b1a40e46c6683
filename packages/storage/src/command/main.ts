#!/usr/bin/env node
import { heedStopSignals } from '@osb-backup/core'
import { collectBuffersEarly } from '../collect-buffers-early.ts'
import { help, readArguments } from './read-arguments.ts'
import { UsageError } from './usage-error.ts'

collectBuffersEarly()
const abort = new AbortController()
heedStopSignals(process, () => performance.now(), {
  stop: (signal) => abort.abort(new Error(`stopped by ${signal}; nothing is left of an upload`)),
  endNow() {
    console.error(
      'osb-backup-transfer: ended at once, as it was asked to a second time; parts of an upload may be left',
    )
    process.exit(1)
  },
})
try {
  const wanted = readArguments(process.argv.slice(2))
  if (wanted === undefined) console.log(help)
  else {
    // Only where it is needed, since it takes a while to load.
    const { runTransfer } = await import('./run-transfer.ts')
    const { env: environment, stdin: input, stdout: output } = process
    await runTransfer(wanted, { environment, input, output, signal: abort.signal })
  }
} catch (error) {
  console.error(`osb-backup-transfer: ${error instanceof Error ? error.message : error}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
