import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandReference, manualPages } from '@osb-backup/cli'
import { VERSION } from '@osb-backup/node'

const path = join(import.meta.dirname, '../docs/cli.md')

/** The reference of `osb-backup`, from the definitions that parse its command line. */
export const cliPage = `# The command line: osb-backup

<!-- Generated from the commands by \`npm run docs\`. -->

\`\`\`
npm run cli -- login http://127.0.0.1:8080     # in a clone
npm run build                                  # one file that needs Node 24 and nothing else: dist/cli/osb-backup.cjs
install -m 755 dist/cli/osb-backup.cjs /usr/local/bin/osb-backup
install -m 644 -Dt /usr/local/share/man/man1 dist/cli/man/*.1
osb-backup status
\`\`\`

- **Configuration**: options, then the environment (\`OSB_BACKUP_URL\`, \`OSB_BACKUP_TOKEN\`, \`OSB_BACKUP_TOKEN_FILE\`,
  \`OSB_BACKUP_CONTEXT\`, \`OSB_BACKUP_CA_FILE\`), then \`$XDG_CONFIG_HOME/osb-backup/config.yaml\`, which \`osb-backup login\` writes.
  The proxies in \`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\` are used. No option takes a secret itself.
- **Names**: wherever a command takes an ID, the unique beginning of the ID or the name is enough, also \`<instance>/<name>\`.
- **Output**: data on standard output, messages on standard error. With \`-o json\` and \`-o yaml\`, data is what the API answers, and
  errors are JSON. Times are relative for people and RFC 3339 for programs.
- **Parameters**: \`agent packs AGENT PACK\` lists what a script pack accepts. \`instance create\` and \`instance edit\` check values against it;
  on a terminal, \`instance create\` asks for what is required and missing, with \`--ask-parameters\` for all.
- **Waiting**: \`--wait\` shows progress and exits with the result of the job. Ctrl-C ends the waiting, not the job.

${commandReference().markdown}`

/** docs/cli.md as it is. */
export const readCliPage = (): Promise<string> => readFile(path, 'utf8')

/** Writes docs/cli.md. */
export const writeCliPage = (): Promise<void> => writeFile(path, cliPage)

/** Writes a manual page for each command into a folder. */
export async function writeManualPages(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const pages = manualPages(commandReference().root, VERSION)
  await Promise.all(pages.map(({ file, text }) => writeFile(join(folder, file), text)))
}
