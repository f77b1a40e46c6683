import { ApiError, BackupClient, type ClientOptions } from '@osb-backup/client'
import { type CallerInfo, type Permission, type Role, roles } from '@osb-backup/protocol/v1'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import * as messages from '../messages/messages.ts'

/** Who is signed in. The token is in the client and nowhere else: closing or reloading the page signs out. */
export interface Session {
  client: BackupClient
  caller: CallerInfo
  /** Whether the caller's role includes another one. */
  hasRole(role: Exclude<Role, 'broker'>): boolean
  hasPermission(permission: Permission): boolean
  signOut(): void
}

const SessionContext = createContext<Session | undefined>(undefined)
/** A token, or what answers the one to use now. */
type Credential = ClientOptions['token']

/** Ends the session where its token came from. Returns the page at which the user signs out there, if there is one. */
type EndElsewhere = () => URL | undefined
type SignInWith = (credential: Credential, endElsewhere?: EndElsewhere) => Promise<void>

const SignInContext = createContext<SignInWith>(() => Promise.reject(new Error('no provider')))

/** The session; only below what is shown to those who are signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('There is no session here.')
  return session
}

/** Signs in; rejects if the manager does not accept the credential. */
export const useSignIn = () => useContext(SignInContext)

/** Keeps the session and the data that were read in it, and forgets both together. */
export function SessionProvider({
  signedOut,
  children,
}: {
  signedOut: (problem: string | undefined) => ReactNode
  children: ReactNode
}) {
  const [current, setCurrent] = useState<{ session: Session; queries: QueryClient }>()
  const [problem, setProblem] = useState<string>()

  const end = useCallback((reason?: string) => {
    setProblem(reason)
    setCurrent(undefined)
  }, [])

  const signIn = useCallback(
    async (token: Credential, endElsewhere?: EndElsewhere) => {
      const client = new BackupClient({ url: window.location.origin, token })
      const caller = await client.caller()
      const hasRole = (role: Role) => roles.indexOf(caller.role) >= roles.indexOf(role)
      const hasPermission = (permission: Permission) => caller.permissions.includes(permission)
      const signOut = () => {
        const page = endElsewhere?.()
        end(endElsewhere !== undefined && page === undefined ? messages.signIn.signedOutHere : undefined)
        if (page !== undefined) window.location.assign(page)
      }
      const session = { client, caller, hasRole, hasPermission, signOut }
      const expired = typeof token === 'string' ? messages.signIn.expired : messages.signIn.sessionExpired
      setCurrent({ session, queries: createQueryClient(() => end(expired)) })
    },
    [end],
  )

  const content = useMemo(
    () =>
      current === undefined ? (
        signedOut(problem)
      ) : (
        <SessionContext value={current.session}>
          <QueryClientProvider client={current.queries}>{children}</QueryClientProvider>
        </SessionContext>
      ),
    [current, problem, signedOut, children],
  )
  return <SignInContext value={signIn}>{content}</SignInContext>
}

const RETRIES = 2

function createQueryClient(onExpired: () => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) onExpired()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < RETRIES && isTransient(error),
      },
    },
  })
}

/** Whether the same call may succeed when it is repeated: no answer came, or the manager is not ready. */
const isTransient = (error: Error) =>
  error instanceof ApiError && (error.status === undefined || error.status === 429 || error.status >= 500)
