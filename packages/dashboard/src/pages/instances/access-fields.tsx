import { PasswordInput, SimpleGrid, TextInput } from '@mantine/core'
import type { Instance } from '@osb-backup/protocol/v1'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import type { InstanceDraft } from './instance-draft.ts'

const t = messages.instances.form

/** How the agent logs in to the database. */
export function AccessFields({
  draft,
  stored,
  change,
  errorOf,
}: {
  draft: InstanceDraft
  /** The instance that is changed, if one is. */
  stored: Instance | undefined
  change: (fields: Partial<InstanceDraft>) => void
  errorOf: (field: string) => string | undefined
}) {
  return (
    <Section title={t.access}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {(['username', 'privilegedUsername'] as const).map((name) => {
          const password = name === 'username' ? 'password' : 'privilegedPassword'
          const hint = name === 'username' ? undefined : t.privilegedHint
          const isStored = stored?.database[name === 'username' ? 'passwordSet' : 'privilegedPasswordSet'] === true
          return [
            <TextInput
              key={name}
              label={t[name]}
              description={hint}
              value={draft[name]}
              autoComplete="off"
              error={errorOf(`database.${name}`)}
              onChange={(event) => change({ [name]: event.currentTarget.value })}
            />,
            <PasswordInput
              key={password}
              label={t[password]}
              description={isStored ? messages.shell.secretSet : hint}
              value={draft[password]}
              autoComplete="new-password"
              error={errorOf(`database.${password}`)}
              onChange={(event) => change({ [password]: event.currentTarget.value })}
            />,
          ]
        })}
      </SimpleGrid>
    </Section>
  )
}
