import type { PackParameter, ReportedPack } from '@osb-backup/protocol'
import { type AgentCreate, agentCreateSchema } from '@osb-backup/protocol/v1'
import { resolveConnection } from '../config/resolve-connection.ts'
import { CliError, exitCodes } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { readObject, resolveReferences } from '../input/document.ts'
import { nearest } from '../input/nearest.ts'
import { styleState } from '../output/style.ts'
import type { Column } from '../output/table.ts'
import { editableResources } from '../resources/editable.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { agentResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import { addFieldOptions, fieldsOf } from './create-options.ts'
import { addEdit } from './edit.ts'
import { requireFields } from './instances.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'

/** Adds `agent`. */
export function addAgentCommands(program: Program): void {
  const { action } = program
  const agent = addResourceCommand(program, agentResource, 'Register the agents beside the databases, and check them')
  const create = agent
    .command('create')
    .description('Register an agent')
    .argument('[url]', 'where it listens, such as https://10.0.0.5:8000')
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
  const fields = addFieldOptions(create, [agentCreateSchema], ['url'])
  create
    .addHelpText(
      'after',
      `
Example:
  osb-backup agent create https://10.0.0.5:8000 --name db-1 --username backup --password-file pw.txt`,
    )
    .action(
      action(async (session, options: Record<string, unknown>, url: string | undefined) => {
        const client = await session.client()
        const document =
          typeof options.file === 'string'
            ? await resolveReferences(session.io, await readObject(session.io, options.file))
            : {}
        const request = {
          ...(document as object),
          ...(url === undefined ? {} : { url }),
          ...(await fieldsOf(session.io, fields, options)),
        }
        requireFields(request, agentCreateSchema.shape, { url: '<url>', username: '--username' })
        const created = await client.agents.create(request as AgentCreate, { idempotencyKey: newIdempotencyKey() })
        session.printer.value(created, { name: created.id, human: () => [`Registered the agent ${created.id}.`] })
        session.printer.note(`Next: osb-backup instance create --agent ${created.name ?? created.id} --help`)
      }),
    )
  agent
    .command('check')
    .description('Ask an agent now whether it is reachable; exits with 1 if it is not')
    .argument('<agent>', 'ID, unique beginning of an ID, or name')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const checked = await client.agents.check(await findId(client, agentResource, name), {
          signal: session.io.signal,
        })
        session.printer.value(checked, {
          name: checked.id,
          human: () => [
            `${checked.name ?? checked.id}: ${styleState(session.printer.style, checked.state)}${checked.version === undefined ? '' : `, version ${checked.version}`}${checked.error === undefined ? '' : `: ${checked.error}`}`,
          ],
        })
        if (checked.state !== 'reachable') process.exitCode = 1
      }),
    )
  agent
    .command('enrol')
    .description('Create the token with which an agent gets its certificate, and print the settings to start it with')
    .argument('<agent>', 'ID, unique beginning of an ID, or name')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const { url } = await resolveConnection(session.io, session.flags)
        const enrolment = await client.agents.enrol(await findId(client, agentResource, name))
        session.printer.value(enrolment, {
          name: enrolment.agentId,
          human: () => [
            `enrolment_url=${url}`,
            `enrolment_token=${enrolment.token}`,
            `enrolment_fingerprint=${enrolment.caFingerprint}`,
          ],
        })
        session.printer.note(
          `Start the agent with these settings by ${enrolment.expiresAt}. The token works once, and is shown only this once.`,
        )
      }),
    )
  agent
    .command('packs')
    .description('List the script packs that an agent has, or the parameters of one')
    .argument('<agent>', 'ID, unique beginning of an ID, or name')
    .argument('[pack]', 'show its parameters')
    .addHelpText(
      'after',
      `
Examples:
  osb-backup agent packs db-1
  osb-backup agent packs db-1 postgresql`,
    )
    .action(action(listPacks))
  addEdit(program, agent, editableResources.agent as never)
  addDelete(program, agent, agentResource, { delete: (client, id) => client.agents.delete(id) })
}

const packColumns: readonly Column<ReportedPack>[] = [
  { header: 'PACK', cell: ({ name }) => name },
  { header: 'FORM', cell: ({ form }) => String(form), align: 'right' },
  { header: 'TYPE', cell: ({ type }) => type ?? '–' },
  { header: 'LISTS ITEMS', cell: ({ stages }) => (stages.includes('list-items') ? 'yes' : 'no') },
  { header: 'PARAMETERS', cell: ({ parameters }) => parameters.map(({ name }) => name).join(','), shrinks: true },
  { header: 'DESCRIPTION', cell: ({ description, problem }) => problem ?? description ?? '', shrinks: true },
]

const parameterColumns: readonly Column<PackParameter>[] = [
  { header: 'PARAMETER', cell: ({ name }) => name },
  { header: 'TYPE', cell: ({ type }) => type },
  { header: 'REQUIRED', cell: ({ required }) => (required ? 'yes' : 'no') },
  { header: 'SECRET', cell: ({ secret }) => (secret ? 'yes' : 'no') },
  { header: 'DEFAULT', cell: (parameter) => (parameter.default === undefined ? '–' : String(parameter.default)) },
  { header: 'VALUES', cell: rangeOf, shrinks: true },
  { header: 'DESCRIPTION', cell: ({ description }) => description ?? '', shrinks: true },
]

function rangeOf({ values, minimum, maximum }: PackParameter): string {
  if (values !== undefined) return values.join(',')
  return minimum === undefined && maximum === undefined ? '–' : `${minimum ?? ''}…${maximum ?? ''}`
}

async function listPacks(session: Session, _: object, name: string, wanted: string | undefined): Promise<void> {
  const { packs } = await findEntry(await session.client(), agentResource, name)
  if (wanted === undefined) {
    const empty = 'The agent has reported no packs; its scripts may be of form 1.'
    return session.printer.list(packs, { columns: packColumns, name: (pack) => pack.name, empty })
  }
  const pack = packs.find((each) => each.name === wanted)
  if (pack === undefined) {
    const names = packs.map((each) => each.name)
    throw new CliError(`The agent has no pack "${wanted}".${nearest(wanted, names)}`, { exitCode: exitCodes.notFound })
  }
  session.printer.list(pack.parameters, {
    columns: parameterColumns,
    name: (parameter) => parameter.name,
    empty: 'The pack has no parameters.',
  })
}
