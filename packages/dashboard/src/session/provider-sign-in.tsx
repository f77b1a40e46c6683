import { Alert, Button, Stack, Text } from '@mantine/core'
import { ApiError } from '@osb-backup/client'
import { CircleX } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import * as messages from '../messages/messages.ts'
import type { IdentityProviderInfo } from './oidc.ts'
import type { ProviderAnswer } from './provider-answer.ts'
import { useSignIn } from './session.tsx'

const t = messages.signIn
/** Only who signs in at an identity provider loads it. */
const loadOidc = () => import('./oidc.ts')

/** Signs in at the identity provider: sends the user there, and receives the answer. */
export function ProviderSignIn({
  provider,
  answer,
}: {
  provider: IdentityProviderInfo
  answer: ProviderAnswer | undefined
}) {
  const signIn = useSignIn()
  const [error, setError] = useState<string>()
  const [isPending, setPending] = useState(isOpen(answer))

  const attempt = (act: () => Promise<void>) => {
    setPending(true)
    setError(undefined)
    act().catch((reason: unknown) => {
      setPending(false)
      setError(explain(reason, provider.issuer))
    })
  }
  const start = () =>
    attempt(async () => {
      const { pathname, search } = window.location
      await (await loadOidc()).startSignIn(provider, pathname + search)
    })
  const finish = useRef((received: ProviderAnswer) =>
    attempt(async () => {
      const session = await (await loadOidc()).finishSignIn(provider, received)
      await signIn(session.token, session.signOut)
    }),
  )
  useEffect(() => {
    if (!isOpen(answer)) return
    used.add(answer)
    finish.current(answer)
  }, [answer])
  // The window comes back from the provider with the page as it was left.
  useEffect(() => {
    const onShow = (event: PageTransitionEvent) => event.persisted && setPending(false)
    window.addEventListener('pageshow', onShow)
    return () => window.removeEventListener('pageshow', onShow)
  }, [])

  return (
    <Stack>
      {error !== undefined && (
        <Alert color="red" variant="default" role="alert" icon={<CircleX aria-hidden />}>
          <Text size="sm">{error}</Text>
        </Alert>
      )}
      <Button onClick={start} loading={isPending} fullWidth autoFocus>
        {t.withProvider(hostOf(provider.issuer))}
      </Button>
      {isPending && (
        <Text size="sm" role="status">
          {t.signingIn}
        </Text>
      )}
    </Stack>
  )
}

/** A code is good for one use, also when the session that it began has ended and this is shown again. */
const used = new WeakSet<ProviderAnswer>()
const isOpen = (answer: ProviderAnswer | undefined): answer is ProviderAnswer =>
  answer !== undefined && !used.has(answer)

const hostOf = (issuer: string) => (URL.canParse(issuer) ? new URL(issuer).host : issuer)

const UNAUTHENTICATED = 401

function explain(error: unknown, issuer: string): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  if (error.status === UNAUTHENTICATED) return t.noRole(hostOf(issuer))
  return error.code === 'identity-provider-unavailable' ? t.providerUnreachable(hostOf(issuer)) : error.message
}
