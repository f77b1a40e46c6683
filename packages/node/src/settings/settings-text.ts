import type { Setting, SettingsSection } from './parse-settings.ts'

const HELP_WIDTH = 110
const HELP_INDENT = '  '

/** The settings for `--help`: a line or more for each, with its description and default. */
export function settingsHelp(sections: readonly SettingsSection[]): string {
  const names = sections.flatMap(({ table }) => Object.keys(table))
  const indent = Math.max(...names.map((name) => name.length)) + HELP_INDENT.length + 2
  const blocks = sections.map(({ title, table }) =>
    [
      `${title}:`,
      ...Object.entries(table).map(([name, setting]) =>
        wrap(`${HELP_INDENT}${name}`.padEnd(indent), describe(setting), HELP_WIDTH),
      ),
    ].join('\n'),
  )
  return blocks.join('\n\n')
}

/** The settings reference as Markdown: a heading and a table for each section. */
export function settingsReference(sections: readonly SettingsSection[], headingLevel: number): string {
  const blocks = sections.map(({ title, table }) =>
    [
      `${'#'.repeat(headingLevel)} ${title}`,
      '',
      '| Setting | Default | Meaning |',
      '| --- | --- | --- |',
      ...Object.entries(table).map(([name, setting]) => {
        const shown = defaultOf(setting)
        const value = shown === undefined ? '' : `\`${shown.replaceAll('|', '\\|')}\``
        return `| \`${name}\` | ${setting.isRequired ? 'required' : value} | ${sentence(escapeCell(setting.description))} |`
      }),
    ].join('\n'),
  )
  return `${blocks.join('\n\n')}\n`
}

const defaultOf = (setting: Setting): string | undefined => setting.defaultText ?? setting.default

function describe(setting: Setting): string {
  const shown = setting.isRequired ? 'required' : defaultOf(setting)
  if (shown === undefined) return setting.description
  return `${setting.description} (${setting.isRequired ? shown : `default: ${shown}`})`
}

/** Breaks a text between words, with the first line after the label and the others below it. */
function wrap(label: string, text: string, width: number): string {
  const lines: string[] = []
  let line = label
  let isEmpty = true
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(label.length)
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line].join('\n')
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
