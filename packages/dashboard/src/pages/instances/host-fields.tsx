import { Button, Group, NumberInput, Radio, Stack, TextInput } from '@mantine/core'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import type { HostDraft, InstanceDraft } from './instance-draft.ts'

const t = messages.instances.form
const MAX_PORT = 65_535
const MAX_HOSTS = 100

/** The hosts of an instance; of several one is marked, from which dumps are taken. */
export function HostFields({
  draft: { hosts, backupHost },
  change,
  errorOf,
}: {
  draft: InstanceDraft
  change: (fields: Partial<InstanceDraft>) => void
  errorOf: (field: string) => string | undefined
}) {
  const set = (key: number, fields: Partial<HostDraft>) =>
    change({ hosts: hosts.map((host) => (host.key === key ? { ...host, ...fields } : host)) })
  const remove = (key: number) => {
    const left = hosts.filter((host) => host.key !== key)
    change({ hosts: left, backupHost: key === backupHost ? (left[0]?.key ?? 0) : backupHost })
  }
  const add = () =>
    change({
      hosts: [...hosts, { key: Math.max(...hosts.map(({ key }) => key)) + 1, name: '', address: '', port: '' }],
    })
  return (
    <Section title={t.hosts}>
      <Stack>
        {hosts.map(({ key, name, address, port }, index) => (
          <Group key={key} align="flex-end">
            <TextInput
              label={t.hostName}
              description={index === 0 ? t.hostNameHint : undefined}
              value={name}
              maxLength={255}
              flex={1}
              miw={140}
              error={errorOf(`hosts.${index}.name`)}
              onChange={(event) => set(key, { name: event.currentTarget.value })}
            />
            <TextInput
              label={t.address}
              description={index === 0 ? t.addressHint : undefined}
              value={address}
              maxLength={255}
              flex={1}
              miw={200}
              error={errorOf(`hosts.${index}.address`) ?? errorOf(`hosts[${index}].address`)}
              onChange={(event) => set(key, { address: event.currentTarget.value })}
            />
            <NumberInput
              label={t.port}
              value={port}
              min={1}
              max={MAX_PORT}
              allowDecimal={false}
              w={120}
              onChange={(value) => set(key, { port: String(value) })}
            />
            {hosts.length > 1 && (
              <>
                <Radio
                  name="backup-host"
                  label={t.backup}
                  checked={key === backupHost}
                  onChange={() => change({ backupHost: key })}
                  mb={8}
                />
                <Button variant="default" aria-label={`${t.removeHost} ${address}`} onClick={() => remove(key)}>
                  {t.removeHost}
                </Button>
              </>
            )}
          </Group>
        ))}
        {hosts.length < MAX_HOSTS && (
          <Button variant="default" size="xs" w="fit-content" onClick={add}>
            {t.addHost}
          </Button>
        )}
      </Stack>
    </Section>
  )
}
