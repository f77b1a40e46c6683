import { allCommands, type CommandDescription } from './describe-command.ts'

/** The reference of all commands, as docs/cli.md contains it. */
export function markdownReference(root: CommandDescription): string {
  return [...allCommands(root)].map((command) => section(command, command === root)).join('\n')
}

function section(command: CommandDescription, isRoot: boolean): string {
  const options = command.options.filter(({ long }) => isRoot || long !== '--help')
  return [
    `${isRoot ? '##' : '###'} \`${command.path}\``,
    '',
    `${command.description}.${command.aliases.length > 0 ? ` Alias: \`${command.aliases.join('`, `')}\`.` : ''}`,
    '',
    ...(command.subcommands.length > 0 && !isRoot ? [] : ['```', command.usage, '```', '']),
    ...rows(
      ['Argument', 'Meaning'],
      command.arguments.map(({ term, description }) => [`\`${term}\``, description]),
    ),
    ...rows(
      ['Option', 'Meaning'],
      options.map(({ flags, description, isRequired }) => [
        `\`${flags}\``,
        `${description}${isRequired ? ' (required)' : ''}`,
      ]),
    ),
    ...(command.notes === '' ? [] : ['```', command.notes, '```', '']),
  ].join('\n')
}

function rows(header: readonly [string, string], lines: readonly (readonly [string, string])[]): string[] {
  if (lines.length === 0) return []
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  return [
    `| ${header.join(' | ')} |`,
    '| --- | --- |',
    ...lines.map(([left, right]) => `| ${cell(left)} | ${cell(right)} |`),
    '',
  ]
}
