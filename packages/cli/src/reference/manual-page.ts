import { allCommands, type CommandDescription } from './describe-command.ts'

/** A manual page (section 1) in the man macros. */
export interface ManualPage {
  /** Such as `osb-backup-plan-run.1`. */
  file: string
  text: string
}

/** A page for every command. */
export function manualPages(root: CommandDescription, version: string): ManualPage[] {
  return [...allCommands(root)].map((command) => {
    const name = command.path.replaceAll(' ', '-')
    return { file: `${name}.1`, text: pageOf(command, name, root, version) }
  })
}

function pageOf(command: CommandDescription, name: string, root: CommandDescription, version: string): string {
  const related = (command === root ? [] : [root]).concat(command.subcommands)
  return [
    `.TH ${name.toUpperCase()} 1 "" "osb-backup ${escaped(version)}" "OSB Backup Manager"`,
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(command.description)}`,
    '.SH SYNOPSIS',
    escaped(command.usage),
    ...definitions(
      'ARGUMENTS',
      command.arguments.map(({ term, description }) => [term, description]),
    ),
    ...definitions(
      'OPTIONS',
      command.options.map(({ flags, description }) => [flags, description]),
    ),
    ...definitions(
      'COMMANDS',
      command.subcommands.map(({ path, description }) => [path, description]),
    ),
    ...(command.notes === '' ? [] : ['.SH NOTES', '.nf', ...command.notes.split('\n').map(escapedLine), '.fi']),
    ...(related.length === 0
      ? []
      : ['.SH SEE ALSO', related.map(({ path }) => `.BR ${path.replaceAll(' ', '\\-')} (1)`).join(' ,\n')]),
    '',
  ].join('\n')
}

function definitions(title: string, entries: readonly (readonly [string, string])[]): string[] {
  if (entries.length === 0) return []
  return [
    `.SH ${title}`,
    ...entries.flatMap(([term, description]) => ['.TP', `.B ${escaped(term)}`, escapedLine(description)]),
  ]
}

/** Text as troff prints it. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq')
}

/** A line that must not be read as a request. */
function escapedLine(text: string): string {
  const line = escaped(text)
  return /^[.']/.test(line) ? `\\&${line}` : line
}
