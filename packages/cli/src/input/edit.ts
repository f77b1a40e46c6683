import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliError, UsageError } from '../exit-code.ts'
import { type Io, isInteractive } from '../io.ts'

/**
 * Lets the user edit a text in `$VISUAL` or `$EDITOR`.
 *
 * @returns The edited text.
 * @throws {CliError} If there is no terminal, or the editor fails.
 */
export async function editText(io: Io, text: string, name: string): Promise<string> {
  const editor = io.env.VISUAL || io.env.EDITOR || 'vi'
  if (!isInteractive(io) && !io.env.VISUAL && !io.env.EDITOR) {
    throw new UsageError('There is no terminal to edit in.', { hint: 'Set EDITOR, or use "osb-backup apply -f".' })
  }
  const folder = await mkdtemp(join(tmpdir(), 'osb-backup-'))
  try {
    const file = join(folder, `${name}.yaml`)
    await writeFile(file, text, { mode: 0o600 })
    await runEditor(editor, file)
    return await readFile(file, 'utf8')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function runEditor(editor: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // As Git does: the setting may be a command with arguments.
    const child = spawn('sh', ['-c', `${editor} "$@"`, editor, file], { stdio: 'inherit' })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new CliError(`The editor "${editor}" exited with status ${code}. Nothing was changed.`)),
    )
  })
}
