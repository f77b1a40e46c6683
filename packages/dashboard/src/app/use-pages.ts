import { useSession } from '../session/session.tsx'
import { navigation } from './navigation.ts'

/** The pages of the main navigation that the caller's role permits. */
export function usePages() {
  const { hasRole } = useSession()
  return navigation.filter(({ role }) => hasRole(role))
}
