import { Button, PasswordInput, Stack } from '@mantine/core'
import { ApiError } from '@osb-backup/client'
import { type FormEvent, useState } from 'react'
import * as messages from '../messages/messages.ts'
import { useSignIn } from './session.tsx'

const t = messages.signIn

/** Asks for a token. It is kept in memory only. */
export function TokenForm({ isFirst }: { isFirst: boolean }) {
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
    <form onSubmit={submit} noValidate>
      <Stack>
        <PasswordInput
          label={t.token}
          description={t.tokenHint}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          error={error}
          autoComplete="current-password"
          name="token"
          autoFocus={isFirst}
        />
        <Button type="submit" variant={isFirst ? 'filled' : 'default'} loading={isPending} fullWidth>
          {t.submit}
        </Button>
      </Stack>
    </form>
  )
}

function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error)
  if (error.status === 401) return t.refused
  if (error.status === 403) return t.noAccess
  return error.message
}
