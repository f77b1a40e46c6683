import { Alert, Button, Center, Image, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { ApiError } from '@osb-backup/client'
import { type FormEvent, useState } from 'react'
import icon from '../app/icon.svg'
import { messages } from '../messages/messages.ts'
import { useSignIn } from './session.tsx'

const t = messages.signIn

/** Asks for a token. It is kept in memory only. */
export function SignInPage({ problem }: { problem: string | undefined }) {
  const signIn = useSignIn()
  const [token, setToken] = useState('')
  const [error, setError] = useState<string>()
  const [isPending, setPending] = useState(false)

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const trimmed = token.trim()
    if (trimmed === '') return setError(t.tokenMissing)
    setPending(true)
    setError(undefined)
    signIn(trimmed)
      .catch((reason: unknown) => setError(explain(reason)))
      .finally(() => setPending(false))
  }

  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper component="form" onSubmit={submit} noValidate withBorder p="xl" w="100%" maw={420}>
        <Stack>
          <Image src={icon} alt="" w={48} h={48} />
          <Title order={1} size="h2">
            {messages.product}
          </Title>
          {problem !== undefined && error === undefined && <Alert color="yellow" role="status" title={problem} />}
          <PasswordInput
            label={t.token}
            description={t.tokenHint}
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            error={error}
            autoComplete="current-password"
            name="token"
            data-autofocus
            autoFocus
          />
          <Button type="submit" loading={isPending} fullWidth>
            {t.submit}
          </Button>
          <Text size="sm" c="dimmed">
            {t.memoryOnly}
          </Text>
        </Stack>
      </Paper>
    </Center>
  )
}

function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error)
  if (error.status === 401) return t.refused
  if (error.status === 403) return t.noAccess
  return error.message
}
