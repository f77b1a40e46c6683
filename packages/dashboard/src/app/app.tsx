import { MantineProvider } from '@mantine/core'
import { RouterProvider } from '@tanstack/react-router'
import type { ProviderAnswer } from '../session/provider-answer.ts'
import { SessionProvider } from '../session/session.tsx'
import { SignInPage } from '../session/sign-in-page.tsx'
import { router } from './router.tsx'
import { styleNonce } from './style-nonce.ts'
import { cssVariables, theme } from './theme.ts'

/** The dashboard: anyone who has not signed in sees the sign-in page at every URL, and afterwards what the URL names. */
export function App({ answer }: { answer: ProviderAnswer | undefined }) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <SessionProvider signedOut={(problem) => <SignInPage problem={problem} answer={answer} />}>
        <RouterProvider router={router} />
      </SessionProvider>
    </MantineProvider>
  )
}
