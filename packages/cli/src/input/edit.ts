import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliError, UsageError } from '../exit-code.ts'
import { type Io, isInteractive } from '../io.ts'
import type { PromptFlags } from './prompt.ts'

/**
 * Lets the user edit a text in `$VISUAL` or `$EDITOR`.
 *
 * @returns The edited text.
 * @throws {CliError} If there is no terminal, or the editor fails.
 */
export async function editText(io: Io, flags: PromptFlags, text: string, name: string): Promise<string> {
  const configured = io.env.VISUAL || io.env.EDITOR
  if (flags.input === false) throw new UsageError('An editor would be opened.', { hint: 'Pass the changes with -f.' })
  if (!isInteractive(io) && !configured) {
    throw new UsageError('There is no terminal to edit in.', { hint: 'Set EDITOR, or pass the changes with -f.' })
  }
  const editor = configured || 'vi'
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

/** Keeps a text that could not be applied, so that the work in it is not lost. */
export async function keepText(text: string, name: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'osb-backup-')), `${name}.yaml`)
  await writeFile(file, text, { mode: 0o600 })
  return file
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
