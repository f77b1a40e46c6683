import { isDeepStrictEqual } from 'node:util'
import { ApiError } from '@osb-backup/client'
import type { Command } from 'commander'
import { CliError, UsageError } from '../exit-code.ts'
import { isObject, parseDocuments, readObject, resolveReferences } from '../input/document.ts'
import { editText } from '../input/edit.ts'
import { type EditableResource, mergePatchOf, toCommentedYaml, writableOf } from '../resources/editable.ts'
import { findId } from '../resources/resource.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

/** Adds `edit`. */
export function addEdit({ action }: Program, command: Command, editable: EditableResource<object>): void {
  const { noun, plural } = editable.resource
  command
    .command('edit')
    .description(`Change one of the ${plural} in $EDITOR, or from a file`)
    .argument(`<${noun}>`, 'ID, unique beginning of an ID, or name')
    .option('-f, --file <file>', 'fields to change, as YAML or JSON (- for standard input); null removes a field')
    .action(
      action(async (session, { file }: { file?: string }, name: string) => {
        const client = await session.client()
        const id = await findId(client, editable.resource, name)
        const { value, version } = await editable.getVersioned(client, id)
        if (file !== undefined) {
          const patch = (await resolveReferences(session.io, await readObject(session.io, file))) as object
          return printUpdated(session, editable, id, await editable.update(client, id, patch, version))
        }
        const settings = writableOf(value, editable.settingsSchema)
        await editUntilAccepted(session, editable, { id, version, settings, name: noun })
      }),
    )
}

interface Edited {
  id: string
  version: string
  settings: unknown
  name: string
}

async function editUntilAccepted(session: Session, editable: EditableResource<object>, edited: Edited): Promise<void> {
  const { id, version, settings, name } = edited
  const client = await session.client()
  const heading = ` ${name} ${id}\n Save and leave the editor to apply your changes; delete everything to cancel.\n Lines that begin with # are ignored.`
  let text = toCommentedYaml(settings, editable.settingsSchema, heading)
  for (;;) {
    const answer = await editText(session.io, text, `${name}-${id}`)
    if (answer.trim() === '') throw new CliError('Cancelled: nothing was changed.')
    try {
      const [document] = parseDocuments(answer, 'The text')
      if (!isObject(document)) throw new CliError('Cancelled: nothing was changed.')
      const wanted = await resolveReferences(session.io, document)
      if (isDeepStrictEqual(wanted, settings)) return session.printer.note('Nothing was changed.')
      return printUpdated(
        session,
        editable,
        id,
        await editable.update(client, id, mergePatchOf(settings, wanted) ?? {}, version),
      )
    } catch (error) {
      const isMistake = error instanceof UsageError || (error instanceof ApiError && error.status === 400)
      if (!isMistake || answer === text || session.flags.input === false) throw error
      const message = error instanceof Error ? error.message : String(error)
      const body = answer.replace(/^# ERROR: .*\n/, '')
      text = `# ERROR: ${message.replaceAll('\n', ' ')}\n${body}`
    }
  }
}

function printUpdated({ printer }: Session, { resource }: EditableResource<object>, id: string, updated: object): void {
  printer.value(updated, { name: id, human: () => [`Changed the ${resource.noun} ${id}.`] })
}
