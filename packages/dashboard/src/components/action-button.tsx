import { Button, type ButtonProps, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useId, useState } from 'react'
import * as messages from '../messages/messages.ts'
import { ActionFailure } from './notices.tsx'

/** What is asked before an action is performed. */
export interface Confirmation {
  title: string
  hint: string
  confirm: string
  /** What has to be typed, where data is lost by it. */
  typed?: string
}

/** A button that calls the API, after a confirmation where one is given, and says why that failed. */
export function ActionButton<T>({
  label,
  confirmation,
  perform,
  affects,
  onDone,
  isDisabled = false,
  variant = 'default',
  size,
}: {
  label: string
  confirmation?: Confirmation | undefined
  perform: () => Promise<T>
  /** The resources that are read again afterwards: the first part of their query keys. */
  affects: readonly string[]
  onDone?: (result: T) => Promise<void> | void
  isDisabled?: boolean
  variant?: ButtonProps['variant']
  size?: ButtonProps['size']
}) {
  const [isAsking, setAsking] = useState(false)
  const cache = useQueryClient()
  const mutation = useMutation({
    mutationFn: perform,
    onSuccess: async (result) => {
      setAsking(false)
      await Promise.all(affects.map((resource) => cache.invalidateQueries({ queryKey: [resource] })))
      await onDone?.(result)
    },
  })
  const failure = <ActionFailure error={mutation.error} />
  const look = { variant, size, disabled: isDisabled } as const
  if (confirmation === undefined) {
    return (
      <Stack gap="xs">
        <Button {...look} loading={mutation.isPending} onClick={() => mutation.mutate()}>
          {label}
        </Button>
        {failure}
      </Stack>
    )
  }
  return (
    <>
      <Button
        {...look}
        onClick={() => {
          mutation.reset()
          setAsking(true)
        }}
      >
        {label}
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={confirmation.title}
        closeButtonProps={{ 'aria-label': messages.shell.close }}
      >
        <Question
          {...confirmation}
          isPending={mutation.isPending}
          onConfirm={() => mutation.mutate()}
          onClose={() => setAsking(false)}
        >
          {failure}
        </Question>
      </Modal>
    </>
  )
}

function Question({
  hint,
  confirm,
  typed,
  isPending,
  onConfirm,
  onClose,
  children,
}: Confirmation & { isPending: boolean; onConfirm: () => void; onClose: () => void; children: ReactNode }) {
  const [text, setText] = useState('')
  const id = useId()
  return (
    <Stack>
      <Text size="sm" id={id}>
        {hint}
      </Text>
      {typed !== undefined && (
        <TextInput
          label={messages.shell.typeToConfirm(typed)}
          aria-describedby={id}
          value={text}
          autoComplete="off"
          data-autofocus
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      {children}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {messages.shell.close}
        </Button>
        <Button color="red" loading={isPending} disabled={typed !== undefined && text !== typed} onClick={onConfirm}>
          {confirm}
        </Button>
      </Group>
    </Stack>
  )
}
