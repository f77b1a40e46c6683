import { Alert, Center, Divider, Image, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { BackupClient } from '@osb-backup/client'
import type { SignIn } from '@osb-backup/protocol/v1'
import { useEffect, useState } from 'react'
import icon from '../app/icon.svg'
import * as messages from '../messages/messages.ts'
import type { ProviderAnswer } from './provider-answer.ts'
import { ProviderSignIn } from './provider-sign-in.tsx'
import { TokenForm } from './token-form.tsx'

const t = messages.signIn

/**
 * Asks who the user is: at the identity provider, if the manager has one, or with a token.
 *
 * @param answer - With which the identity provider has opened the page.
 */
export function SignInPage({ problem, answer }: { problem: string | undefined; answer: ProviderAnswer | undefined }) {
  const ways = useWays()
  const provider = ways?.identityProvider
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" w="100%" maw={420}>
        <Stack>
          <Image src={icon} alt="" w={48} h={48} />
          <Title order={1} size="h2">
            {messages.product}
          </Title>
          {problem !== undefined && <Alert color="yellow" variant="default" role="status" title={problem} />}
          {ways === undefined ? (
            <Skeleton height={180} role="status" aria-label={messages.shell.loading} />
          ) : (
            <>
              {provider !== undefined && (
                <>
                  <ProviderSignIn provider={provider} answer={answer} />
                  <Divider label={t.orToken} />
                </>
              )}
              <TokenForm isFirst={provider === undefined} />
            </>
          )}
          <Text size="sm" c="dimmed">
            {provider === undefined ? t.memoryOnly : t.sessionInMemory}
          </Text>
        </Stack>
      </Paper>
    </Center>
  )
}

/** How one can sign in; undefined until that is known. A manager that does not answer says so when a token is sent. */
function useWays(): SignIn | undefined {
  const [ways, setWays] = useState<SignIn>()
  useEffect(() => {
    const leaving = new AbortController()
    void new BackupClient({ url: window.location.origin, token: '' })
      .signIn({ signal: leaving.signal })
      .catch(() => ({}))
      .then((found) => {
        if (!leaving.signal.aborted) setWays(found)
      })
    return () => leaving.abort()
  }, [])
  return ways
}
