import type { z } from 'zod'

/** One setting: everything that parsing, `--help` and the settings reference know about it. */
export interface Setting {
  /** Reads the text of the variable. Its messages follow the name: "must be a whole number". They never quote the value. */
  readonly schema: z.ZodType<unknown, string>
  /** What counts while the variable is not set, as a user would write it. The schema reads it too. */
  readonly default?: string
  /** What help and reference show as the default where it depends on something: `<directory_backup>/.state`. */
  readonly defaultText?: string
  /** Whether the program does not start without it. */
  readonly isRequired?: true
  /** Other names of the variable, of which the first that is set counts. */
  readonly aliases?: readonly string[]
  /** What it means, without a capital and a full stop, and with its unit. */
  readonly description: string
}

/** The settings of a program, by the names of their variables. */
export type SettingsTable = Readonly<Record<string, Setting>>

/** Settings that belong together in help and reference. */
export interface SettingsSection {
  readonly title: string
  readonly table: SettingsTable
}

/** The values of a table of settings: undefined only for those that are neither required nor have a default. */
export type ParsedSettings<T extends SettingsTable> = {
  readonly [N in keyof T]: T[N] extends { isRequired: true } | { default: string }
    ? z.output<T[N]['schema']>
    : z.output<T[N]['schema']> | undefined
}

/** Variables by name: usually `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A setting that is missing or cannot be used. The message is one sentence that names it and says what it must be. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/**
 * Parses all settings of a table. An empty variable counts as not set.
 *
 * @throws {SettingsError} For the first setting that is wrong or missing. The message never holds the value.
 */
export function parseSettings<const T extends SettingsTable>(table: T, environment: Environment): ParsedSettings<T> {
  const entries = Object.entries(table).map(([name, setting]) => [name, parseSetting(name, setting, environment)])
  return Object.fromEntries(entries) as ParsedSettings<T>
}

function parseSetting(name: string, setting: Setting, environment: Environment): unknown {
  const set = [name, ...(setting.aliases ?? [])].map((each) => environment[each]).find((value) => value)
  const value = set ?? setting.default
  if (value === undefined) {
    if (setting.isRequired) throw new SettingsError(`${name} must be set: ${setting.description}.`)
    return undefined
  }
  const result = setting.schema.safeParse(value)
  if (result.success) return result.data
  throw new SettingsError(`${name} ${result.error.issues[0]?.message ?? 'is not valid'}.`)
}
