import type { SettingsSection } from '@osb-backup/node'

/** What describes a service that is installed. */
export interface ServiceDocuments {
  /** Such as `osb-backup-manager`. */
  name: string
  /** What it is, without a capital and a full stop. */
  summary: string
  /** The file with its settings, where it is installed. */
  file: string
  sections: readonly SettingsSection[]
  /** Settings that the package sets, by name. */
  preset: Readonly<Record<string, string>>
}

/** The settings of a service as a file of variables, each with its meaning, and commented out unless the package sets it. */
export function settingsFile({ name, sections, preset }: ServiceDocuments): string {
  const blocks = sections.flatMap(({ title, table }) => [
    `### ${title}`,
    ...Object.entries(table).map(([variable, setting]) => {
      const value = preset[variable]
      const line = value === undefined ? `#${variable}=${setting.default ?? ''}` : `${variable}=${value}`
      const computed =
        setting.default === undefined && setting.defaultText !== undefined ? ` Default: ${setting.defaultText}.` : ''
      return `${comment(`${sentence(setting.description)}${computed}`)}\n${line}`
    }),
  ])
  const head = [
    `Settings of ${name}. A line that begins with # shows the default.`,
    "Quote a value that contains #, spaces or quotes: NAME='value'.",
    `Restart the service after a change: systemctl restart ${name}`,
  ]
  return `${head.map(comment).join('\n')}\n\n${blocks.join('\n\n')}\n`
}

/** The manual page of a service, in section 8. */
export function serviceManualPage(service: ServiceDocuments, description: string, version: string): string {
  const { name, summary, file, sections } = service
  return [
    `.TH ${name.toUpperCase()} 8 "" "${name} ${version}" "OSB Backup Manager"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(summary)}`,
    '.SH SYNOPSIS',
    `.B ${roff(name)}`,
    '[options]',
    '.SH DESCRIPTION',
    ...description.split('\n').map((line) => (line === '' ? '.PP' : roff(line))),
    '.SH SETTINGS',
    roff(`They are environment variables; the service reads them from ${file}.`),
    ...sections.flatMap(({ title, table }) => [
      `.SS ${roff(title)}`,
      ...Object.entries(table).flatMap(([variable, { description: meaning, default: value, defaultText }]) => {
        const shown = defaultText ?? value
        return [
          '.TP',
          `.B ${roff(variable)}`,
          roff(`${sentence(meaning)}${shown === undefined ? '' : ` Default: ${shown}.`}`),
        ]
      }),
    ]),
    '.SH FILES',
    '.TP',
    `.I ${roff(file)}`,
    'Settings of the service.',
    '',
  ].join('\n')
}

const WIDTH = 100

/** Lines that begin with `# `. */
function comment(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.map((line) => `# ${line}`).join('\n')
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-')
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}
