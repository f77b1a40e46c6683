import { spawn } from 'node:child_process'

/** A command that exits 0 if the check passed. */
export interface Check {
  name: string
  command: string
  args: readonly string[]
}

/** The checks that do not run the project. */
export const staticChecks: readonly Check[] = [
  { name: 'types', command: 'tsc', args: ['-p', '.', '--noEmit'] },
  { name: 'types of the dashboard', command: 'tsc', args: ['-p', 'packages/dashboard', '--noEmit'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'dependency rules', command: 'depcruise', args: ['packages', '--config', '.dependency-cruiser.mjs'] },
  { name: 'unused code', command: 'knip', args: ['--no-progress', '--treat-config-hints-as-errors'] },
]

/**
 * Runs checks one after the other, each to its end; prints one line per check, and the output of those that fail.
 *
 * @returns Whether all passed.
 */
export async function runChecks(checks: readonly Check[]): Promise<boolean> {
  let allPassed = true
  for (const check of checks) {
    const startedAt = Date.now()
    const { passed, output } = await run(check)
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${check.name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`)
    if (!passed) console.log(output)
    allPassed &&= passed
  }
  return allPassed
}

function run({ command, args }: Check): Promise<{ passed: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ passed: code === 0, output: Buffer.concat(chunks).toString() }))
  })
}
