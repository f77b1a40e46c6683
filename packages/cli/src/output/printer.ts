import { ApiError } from '@osb-backup/client'
import { CliError, exitCodeOf } from '../exit-code.ts'
import { columnsOf, type Io } from '../io.ts'
import { describeValue, toJson, toYaml } from './describe.ts'
import { type Style, styleOf } from './style.ts'
import { type Column, cleaned, cleanedLines, formatTable } from './table.ts'

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** The global options about output. */
export interface OutputFlags {
  output?: OutputFormat
  quiet?: boolean
  color?: boolean
}

/** How entries of one kind are listed. */
export interface Listing<T> {
  columns: readonly Column<T>[]
  /** What `-o name` prints. */
  name(entry: T): string
  /** What a person reads where there is none. */
  empty: string
}

/** Writes data to standard output in the format that was asked for, and messages to standard error. */
export class Printer {
  readonly style: Style
  readonly errorStyle: Style
  readonly format: OutputFormat
  readonly #io: Io
  readonly #isQuiet: boolean

  constructor(io: Io, flags: OutputFlags) {
    this.#io = io
    this.format = flags.output ?? 'table'
    this.#isQuiet = flags.quiet ?? false
    this.style = styleOf(io, io.stdout, flags.color)
    this.errorStyle = styleOf(io, io.stderr, flags.color)
  }

  /** Whether a program reads the output. */
  get isStructured(): boolean {
    return this.format === 'json' || this.format === 'yaml'
  }

  /** Prints entries. */
  list<T>(entries: readonly T[], { columns, name, empty }: Listing<T>): void {
    if (this.isStructured) this.#structured(entries)
    else if (this.format === 'name') this.lines(entries.map((entry) => cleaned(name(entry))))
    else if (entries.length === 0) this.note(empty)
    else {
      const shown = columns.filter(({ wide }) => this.format === 'wide' || !wide)
      const width = this.format === 'wide' ? Number.POSITIVE_INFINITY : columnsOf(this.#io)
      const [header = '', ...lines] = formatTable(entries, shown, width)
      this.lines([this.style('bold', header), ...lines])
    }
  }

  /** Prints one value; a person reads `human`, or all its fields. */
  value<T extends object>(value: T, { name, human }: { name: string; human?: () => readonly string[] }): void {
    if (this.isStructured) this.#structured(value)
    else if (this.format === 'name') this.lines([cleaned(name)])
    else this.lines((human?.() ?? describeValue(value, this.#io.now())).map(cleanedLines))
  }

  /** Writes lines of data. */
  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.#io.stdout.write(`${lines.join('\n')}\n`)
  }

  /** Writes a message for people; not with `--quiet`, nor where a program reads the output. */
  note(message: string): void {
    if (!this.#isQuiet && !this.isStructured) this.#io.stderr.write(`${cleanedLines(message)}\n`)
  }

  /** Writes a message that a person must not miss. */
  warn(message: string): void {
    this.#io.stderr.write(`${this.errorStyle('yellow', 'Warning:')} ${cleanedLines(message)}\n`)
  }

  /** Writes why a command failed: as JSON, which is YAML too, where a program reads the output. */
  error(error: unknown): void {
    const message = messageOf(error)
    const hint = error instanceof CliError ? error.hint : hintOf(error)
    if (this.isStructured) {
      const { code, field, jobId } = error instanceof ApiError ? error : ({} as Partial<ApiError>)
      this.#io.stderr.write(
        `${JSON.stringify({ error: { message, code, field, jobId, hint, exitCode: exitCodeOf(error) } })}\n`,
      )
      return
    }
    const lines = [
      `${this.errorStyle('red', 'Error:')} ${cleaned(message)}`,
      ...(hint === undefined ? [] : [cleanedLines(hint)]),
    ]
    this.#io.stderr.write(`${lines.join('\n')}\n`)
  }

  #structured(value: unknown): void {
    this.#io.stdout.write(this.format === 'json' ? `${toJson(value)}\n` : toYaml(value))
  }
}

function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.field !== undefined && !error.message.includes(error.field)) {
    return `${error.field}: ${error.message}`
  }
  return error instanceof Error ? error.message : String(error)
}

function hintOf(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) return undefined
  if (error.status === 401) return 'Sign in again with "osb-backup login", or check OSB_BACKUP_TOKEN.'
  if (error.jobId !== undefined)
    return `Follow that job with "osb-backup job watch ${error.jobId}", or pass --queue to wait for it.`
  if (error.status === 412) return 'Somebody else has changed it meanwhile: repeat the command.'
  return undefined
}
