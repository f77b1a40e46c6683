import { type DestinationCreate, destinationCreateSchema, storeSettingsSchema } from '@osb-backup/protocol/v1'
import { Option } from 'commander'
import type { z } from 'zod'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { isObject, readObject, resolveReferences } from '../input/document.ts'
import { formatDuration } from '../output/units.ts'
import { editableResources } from '../resources/editable.ts'
import { findId } from '../resources/resource.ts'
import { destinationResource, instanceResource } from '../resources/resources.ts'
import { addFieldOptions, fieldsOf } from './create-options.ts'
import { addEdit } from './edit.ts'
import { requireFields } from './instances.ts'
import type { Program } from './program-context.ts'
import { addReconciliationCommands } from './reconciliations.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'

const kinds = storeSettingsSchema.options as readonly z.ZodObject[]
const kindNames = kinds.map(({ shape }) => String((shape.kind as z.ZodLiteral).value))

/** Adds `destination`. */
export function addDestinationCommands(program: Program): void {
  const { action } = program
  const destination = addResourceCommand(program, destinationResource, 'Manage where backups are stored')
  const create = destination
    .command('create')
    .description('Create a destination, after trying it')
    .requiredOption('--instance <instance>', 'the service instance that it belongs to')
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
    .option('--name <name>', 'a name for people, unique within the instance')
    .addOption(new Option('--kind <kind>', 'kind of store').choices(kindNames))
    .option('--no-check', 'create it without trying it')
  const fields = addFieldOptions(create, kinds, ['kind'])
  create
    .addHelpText(
      'after',
      `
Examples:
  osb-backup destination create --instance shop-db --name nightly --kind s3 --endpoint https://s3.example --bucket backups \\
    --auth-key AKIA… --auth-secret-file secret.txt
  osb-backup destination create --instance shop-db --name local --kind file --directory /var/backups/shop`,
    )
    .action(
      action(async (session, options: Record<string, unknown>) => {
        const client = await session.client()
        const document = (
          typeof options.file === 'string'
            ? await resolveReferences(session.io, await readObject(session.io, options.file))
            : {}
        ) as Record<string, unknown>
        const store = {
          ...(isObject(document.store) ? document.store : {}),
          ...(options.kind === undefined ? {} : { kind: options.kind }),
          ...(await fieldsOf(session.io, fields, options)),
        }
        const request = {
          ...document,
          instanceId: await findId(client, instanceResource, String(options.instance)),
          ...(options.name === undefined ? {} : { name: options.name }),
          store: Object.keys(store).length === 0 ? undefined : store,
        }
        requireFields(request, destinationCreateSchema.shape, { name: '--name', store: '--kind' })
        if (options.check !== false) {
          session.printer.note('Trying it: an object is written, read back and removed…')
          await client.destinations.checkSettings(request as DestinationCreate, { signal: session.io.signal })
        }
        const created = await client.destinations.create(request as DestinationCreate, {
          idempotencyKey: newIdempotencyKey(),
        })
        session.printer.value(created, { name: created.id, human: () => [`Created the destination ${created.id}.`] })
        session.printer.note(
          `Next: osb-backup plan create --instance ${created.instanceId} --destination ${created.name} --help`,
        )
      }),
    )
  destination
    .command('check')
    .description('Try a destination: write, read back and remove an object')
    .argument('<destination>', 'ID, unique beginning of an ID, or name')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const id = await findId(client, destinationResource, name)
        const checked = await client.destinations.check(id, { signal: session.io.signal })
        session.printer.value(checked, {
          name: id,
          human: () => [`The destination can be used (${formatDuration(checked.durationSeconds * 1000)}).`],
        })
      }),
    )
  addReconciliationCommands(program, destination)
  addEdit(program, destination, editableResources.destination as never)
  addDelete(program, destination, destinationResource, {
    consequence: () => 'What is stored in it stays.',
    delete: (client, id) => client.destinations.delete(id),
  })
}
