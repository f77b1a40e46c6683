import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

const help = `npm run check: types, lint and format, arrows between the rooms, unit tests. Prints what fails; exit 1 then.`

const checks = [
  { name: 'types', command: 'tsc', args: ['-p', '.', '--noEmit'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'arrows', command: 'depcruise', args: ['packages', '--config', '.dependency-cruiser.mjs'] },
  { name: 'unit tests', command: 'vitest', args: ['run', '--project', 'unit'] },
] as const

/** Runs one check to its end, its output kept for the case that it fails. */
function run(check: (typeof checks)[number]): Promise<{ ok: boolean; output: string; tookMs: number }> {
  const startedAt = Date.now()
  return new Promise((resolve, reject) => {
    const child = spawn(check.command, check.args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ ok: code === 0, output: Buffer.concat(chunks).toString(), tookMs: Date.now() - startedAt }),
    )
  })
}

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  console.log(help)
} else {
  for (const check of checks) {
    const { ok, output, tookMs } = await run(check)
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${check.name} (${(tookMs / 1000).toFixed(1)} s)`)
    if (!ok) {
      console.log(output)
      process.exitCode = 1
    }
  }
}
