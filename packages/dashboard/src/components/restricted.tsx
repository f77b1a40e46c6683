import type { Role } from '@osb-backup/protocol/v1'
import type { ReactNode } from 'react'
import * as messages from '../messages/messages.ts'
import { useSession } from '../session/session.tsx'
import { EmptyNotice } from './notices.tsx'
import { Page, TextLink } from './page.tsx'

const t = messages.shell

/** A page that a role, and perhaps the grant of all instances, is needed for. Others are told so; nothing is requested for them. */
export function Restricted({
  title,
  needs: role,
  needsAllInstances = false,
  children,
}: {
  title: string
  needs: Exclude<Role, 'broker'>
  needsAllInstances?: boolean
  children: ReactNode
}) {
  const { caller, hasRole } = useSession()
  if (hasRole(role) && !(needsAllInstances && caller.instances !== 'all')) return children
  const hint = hasRole(role) ? t.needsAllInstances : t.needsRoleHint(role, caller.role)
  return (
    <Page title={title}>
      <EmptyNotice title={t.error.forbidden} hint={hint} action={<TextLink to="/">{t.backToOverview}</TextLink>} />
    </Page>
  )
}
