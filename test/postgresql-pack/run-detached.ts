import { spawn } from 'node:child_process'
import type { Account } from './postgres-software.ts'

/**
 * Runs a program as an account, from a folder that this account can be in.
 *
 * @returns When it has exited: a server that pg_ctl started keeps inherited pipes open for as long as it runs, so `close` comes too late.
 * @throws {Error} With its output, if it fails.
 */
export function runDetached(program: string, args: readonly string[], account: Account): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...account,
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('exit', (code) => {
      child.stdout.destroy()
      child.stderr.destroy()
      if (code === 0) resolve()
      else reject(new Error(`${program} ${args[0]} failed with ${code}: ${Buffer.concat(output)}`))
    })
  })
}
