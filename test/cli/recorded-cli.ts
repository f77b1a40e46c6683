import { commandReference } from '@osb-backup/cli'
import { expect } from 'vitest'
import type { z } from 'zod'
import { allCommands } from '../../packages/cli/src/reference/describe-command.ts'
import type { CliResult, inProcessCliOf } from '../fixtures/cli.ts'

/** The commands that have no subcommands. */
export const leaves = [...allCommands(commandReference().root)].filter(({ subcommands }) => subcommands.length === 0)

interface RunOptions {
  code: number
  more: readonly string[]
  input: string
}

/** Runs commands, and records which they were and what they printed. */
export class RecordedCli {
  readonly #cli: ReturnType<typeof inProcessCliOf>
  /** The commands that were run, as `plan run`. */
  readonly seen = new Set<string>()
  /** Everything that was printed, to be searched for secrets. */
  printed = ''

  constructor(cli: ReturnType<typeof inProcessCliOf>) {
    this.#cli = cli
  }

  /** Runs a command, and expects an exit code. */
  run = async (line: string, { code = 0, more = [], input = '' }: Partial<RunOptions> = {}): Promise<CliResult> => {
    const args = [...line.split(' '), ...more]
    const path = leaves
      .map((leaf) => leaf.path.replace('osb-backup ', ''))
      .find((each) => `${line} `.startsWith(`${each} `))
    if (path !== undefined) this.seen.add(path)
    const result = await this.#cli(args, { input })
    this.printed += result.stdout + result.stderr
    expect(result, `${line}\n${result.stdout}${result.stderr}`).toMatchObject({ code })
    expect(result.stderr).not.toMatch(/^ +at /m)
    return result
  }

  /** Runs a command with `-o json`, and expects what the API promises: no field more. */
  json = async <T extends z.ZodType>(
    line: string,
    schema: T,
    options: Partial<RunOptions> = {},
  ): Promise<z.output<T>> => {
    const { stdout } = await this.run(`${line} -o json`, options)
    const value: unknown = JSON.parse(stdout)
    const read = schema.parse(value)
    expect(read, line).toEqual(value)
    return read
  }
}
