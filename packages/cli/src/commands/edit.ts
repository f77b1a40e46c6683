import { isDeepStrictEqual } from 'node:util'
import { ApiError } from '@osb-backup/client'
import type { Command } from 'commander'
import { CliError, UsageError } from '../exit-code.ts'
import { isObject, parseDocuments, readObject, resolveReferences } from '../input/document.ts'
import { editText, keepText } from '../input/edit.ts'
import { cleaned } from '../output/table.ts'
import { type EditableResource, mergePatchOf, toCommentedYaml, writableOf } from '../resources/editable.ts'
import { findId } from '../resources/resource.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

/** What `edit` can do besides for one kind of resource. */
export interface EditExtension<T> {
  /** Adds options that change fields without an editor. */
  addOptions(edit: Command): void
  /** What the options change, as a merge patch; undefined if none is given. */
  patchOf(session: Session, options: Record<string, unknown>, current: T): Promise<object | undefined>
  /** Lines of help about the fields, at the top of the text in the editor. */
  helpOf(session: Session, current: T): Promise<readonly string[]>
}

/** Adds `edit`. */
export function addEdit<T extends object>(
  { action }: Program,
  command: Command,
  editable: EditableResource<T>,
  extension?: EditExtension<T>,
): void {
  const { noun, plural } = editable.resource
  const edit = command
    .command('edit')
    .description(`Change one of the ${plural} in $EDITOR, or from a file`)
    .argument(`<${noun}>`, 'ID, unique beginning of an ID, or name')
    .option('-f, --file <file>', 'fields to change, as YAML or JSON (- for standard input); null removes a field')
  extension?.addOptions(edit)
  edit.action(
    action(async (session, options: Record<string, unknown> & { file?: string }, name: string) => {
      const client = await session.client()
      const id = await findId(client, editable.resource, name)
      const { value, version } = await editable.getVersioned(client, id)
      const read = options.file === undefined ? undefined : await readPatch(session, options.file)
      const given = await extension?.patchOf(session, options, value)
      if (read !== undefined || given !== undefined) {
        const updated = await editable.update(client, id, { ...read, ...given }, version)
        return printUpdated(session, editable, id, updated)
      }
      const settings = writableOf(value, editable.settingsSchema)
      const help = (await extension?.helpOf(session, value)) ?? []
      await editUntilAccepted(session, editable, { id, version, settings, name: noun, help })
    }),
  )
}

const readPatch = async ({ io }: Session, file: string) =>
  (await resolveReferences(io, await readObject(io, file))) as object

interface Edited {
  id: string
  version: string
  settings: unknown
  name: string
  help: readonly string[]
}

/** The user left nothing of the text. */
class CancelledEdit extends CliError {
  constructor() {
    super('Cancelled: nothing was changed.')
  }
}

async function editUntilAccepted<T extends object>(
  session: Session,
  editable: EditableResource<T>,
  edited: Edited,
): Promise<void> {
  const { id, version, settings, name, help } = edited
  const client = await session.client()
  const heading = [
    `${name} ${id}`,
    'Save and leave the editor to apply your changes; delete everything to cancel.',
    'Lines that begin with # are ignored.',
    ...help.map(cleaned),
  ]
  let text = toCommentedYaml(settings, editable.settingsSchema, heading.map((line) => ` ${line}`).join('\n'))
  for (;;) {
    const answer = await editText(session.io, session.flags, text, `${name}-${id}`)
    if (answer.trim() === '') throw new CancelledEdit()
    try {
      const [document] = parseDocuments(answer, 'The text')
      if (!isObject(document)) throw new CancelledEdit()
      const wanted = await resolveReferences(session.io, document)
      if (isDeepStrictEqual(wanted, settings)) return session.printer.note('Nothing was changed.')
      return printUpdated(
        session,
        editable,
        id,
        await editable.update(client, id, mergePatchOf(settings, wanted) ?? {}, version),
      )
    } catch (error) {
      const corrected = correctable(error, answer)
      if (corrected === undefined || answer === text) {
        if (!(error instanceof CancelledEdit)) {
          const file = await keepText(answer, `${name}-${id}`)
          session.printer.warn(`Your changes were not applied. They are kept in ${file}.`)
        }
        throw error
      }
      text = corrected
    }
  }
}

/** The text with what is wrong with it at its top; undefined if that is not the text. */
function correctable(error: unknown, answer: string): string | undefined {
  const isMistake = error instanceof UsageError || (error instanceof ApiError && error.status === 400)
  if (!isMistake) return undefined
  return `# ERROR: ${cleaned(error.message)}\n${answer.replace(/^# ERROR: .*\n/, '')}`
}

function printUpdated<T extends object>(
  { printer }: Session,
  { resource }: EditableResource<T>,
  id: string,
  updated: T,
): void {
  printer.value(updated, { name: id, human: () => [`Changed the ${resource.noun} ${id}.`] })
}
