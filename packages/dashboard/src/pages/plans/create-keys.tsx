import { Alert, Button, Checkbox, Code, Group, Modal, Radio, Stack, Text } from '@mantine/core'
import type { Plan, PlanKeys } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { useState } from 'react'
import { CopyButton } from '../../components/copy-button.tsx'
import { SaveFailure } from '../../components/form-errors.tsx'
import { saveFile } from '../../components/save-file.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { RecoverySheet } from './recovery-sheet.tsx'

const t = messages.plans.keys
const modes = ['browser', 'manager'] as const
type Mode = (typeof modes)[number]

/**
 * Creates a pair of keys in two steps: it is shown, then used. A pair of this browser is used only after its user has stored it: no
 * backup is ever encrypted for a private key that nobody has.
 */
export function CreateKeys({ plan, version, onClose }: { plan: Plan; version: string; onClose: () => void }) {
  const { client } = useSession()
  const cache = useQueryClient()
  const [mode, setMode] = useState<Mode>('browser')
  const generate = useMutation({
    mutationFn: async (): Promise<PlanKeys> => {
      if (mode === 'manager') return client.plans.createKeys(plan.id, { keepPrivateKey: true }, { version })
      const privateKey = await generateX25519Identity()
      return { privateKey, publicKey: await identityToRecipient(privateKey), kept: false }
    },
    onSuccess: ({ kept }) => (kept ? cache.invalidateQueries({ queryKey: ['plans'] }) : undefined),
    // Nothing keeps a private key for longer than this dialog.
    gcTime: 0,
  })
  const apply = useMutation({
    mutationFn: ({ publicKey }: PlanKeys) => client.plans.update(plan.id, { encryption: { publicKey } }, { version }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['plans'] })
      onClose()
    },
  })
  const keys = generate.data
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={keys === undefined ? t.createTitle : t.onceTitle}
      closeButtonProps={{ 'aria-label': messages.shell.close }}
      // A click beside it, or a key, must not lose what is shown once.
      closeOnClickOutside={keys === undefined}
      closeOnEscape={keys === undefined}
      withCloseButton={keys === undefined}
    >
      {keys === undefined ? (
        <Stack>
          {plan.encryption.publicKey !== undefined && <Text size="sm">{t.replaceHint}</Text>}
          <Radio.Group label={t.where} value={mode} onChange={(value) => setMode(value as Mode)}>
            <Stack gap="xs" mt="xs">
              {modes.map((each) => (
                <Radio key={each} value={each} label={t.modes[each]} />
              ))}
            </Stack>
          </Radio.Group>
          <SaveFailure error={generate.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {messages.shell.cancel}
            </Button>
            <Button loading={generate.isPending} onClick={() => generate.mutate()}>
              {t.generate}
            </Button>
          </Group>
        </Stack>
      ) : (
        <ShownKeys
          plan={plan}
          keys={keys}
          isPending={apply.isPending}
          error={apply.error}
          onCancel={onClose}
          onStored={() => (keys.kept ? onClose() : apply.mutate(keys))}
        />
      )}
    </Modal>
  )
}

function ShownKeys({
  plan,
  keys,
  isPending,
  error,
  onCancel,
  onStored,
}: {
  plan: Plan
  keys: PlanKeys
  isPending: boolean
  error: Error | null
  onCancel: () => void
  onStored: () => void
}) {
  const [isStored, setStored] = useState(false)
  const [createdAt] = useState(() => new Date().toISOString())
  const { publicKey, privateKey, kept } = keys
  const file = `# created: ${createdAt}\n# plan: ${plan.name} of ${plan.instanceId}\n# public key: ${publicKey}\n${privateKey}\n`
  return (
    <Stack>
      <Alert color="orange" variant="default" title={t.once} />
      <KeyText label={t.publicKey} value={publicKey} />
      <KeyText label={t.privateKey} value={privateKey} />
      <Group gap="xs">
        <CopyButton value={privateKey} label={t.copy} />
        <Button
          variant="default"
          size="xs"
          mt="xs"
          onClick={() => saveFile(new Blob([file], { type: 'text/plain' }), `${plan.instanceId}-${plan.name}.key`)}
        >
          {t.download}
        </Button>
        <Button variant="default" size="xs" mt="xs" onClick={() => window.print()}>
          {t.print}
        </Button>
      </Group>
      <Checkbox label={t.stored} checked={isStored} onChange={(event) => setStored(event.currentTarget.checked)} />
      <SaveFailure error={error} />
      <Group justify="flex-end">
        {!kept && (
          <Button variant="default" onClick={onCancel}>
            {messages.shell.cancel}
          </Button>
        )}
        <Button disabled={!isStored} loading={isPending} onClick={onStored}>
          {kept ? t.done : t.apply}
        </Button>
      </Group>
      <RecoverySheet plan={plan} keys={keys} createdAt={createdAt} />
    </Stack>
  )
}

const KeyText = ({ label, value }: { label: string; value: string }) => (
  <div>
    <Text size="sm" fw={600}>
      {label}
    </Text>
    <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
      {value}
    </Code>
  </div>
)
